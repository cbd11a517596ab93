// Package shop is the small shop of rdip demo: its tables, and customers who order, pay, move and change their
// minds, one transaction a step, as SQL. The same seed gives the same steps.
package shop
