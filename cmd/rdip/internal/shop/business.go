package shop

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

var (
	names    = []string{"Dora Klein", "Emil Novak", "Fatima Haddad", "Goran Ilić", "Hana Sato", "Ivo Santos", "Jun Park", "Kira O'Neill"}
	cities   = []string{"Berlin", "Kyoto", "Nairobi", "São Paulo", "Oslo", "Quito", "Hanoi"}
	percents = []int{85, 90, 95, 105, 110, 115} // of a price, in a new one
	tiers    = []string{"silver", "gold", "platinum"}
)

// restocked takes from the stock of a product, after a delivery where it would run out.
const restocked = "UPDATE products SET stock = CASE WHEN stock < $2 THEN stock + 100 ELSE stock END - $2 WHERE sku = $1"

// placeOrder is an order of one or two products, which leave the stock.
func (s *Shop) placeOrder(ctx context.Context) error {
	s.lastOrder++
	id := s.lastOrder
	all := []statement{{"INSERT INTO orders (id, customer_id, placed_on) VALUES ($1, $2, $3)", []any{id, 1 + s.pick(s.customers), s.day()}}}
	bought := s.random.Perm(len(s.skus))[:1+s.pick(2)]
	slices.Sort(bought) // the order of locks
	for i, product := range bought {
		sku, quantity := s.skus[product], 1+s.pick(3)
		all = append(all,
			statement{"INSERT INTO order_items SELECT $1, $2, sku, $4, price FROM products WHERE sku = $3", []any{id, i + 1, sku, quantity}},
			statement{restocked, []any{sku, quantity}})
	}
	s.orders = append(s.orders, order{id: id})
	return s.transaction(ctx, all...)
}

// advanceOrder takes an order to its next status; one that is delivered is done with.
func (s *Shop) advanceOrder(ctx context.Context) error {
	i := s.pick(len(s.orders))
	o := &s.orders[i]
	o.status++
	id, status := o.id, statuses[o.status]
	if o.status == len(statuses)-1 {
		s.orders = slices.Delete(s.orders, i, i+1)
	}
	return s.transaction(ctx, statement{"UPDATE orders SET status = $2 WHERE id = $1", []any{id, status}})
}

// cancelOrder deletes an order, and with it its items.
func (s *Shop) cancelOrder(ctx context.Context) error {
	i := s.pick(len(s.orders))
	id := s.orders[i].id
	s.orders = slices.Delete(s.orders, i, i+1)
	return s.transaction(ctx, statement{"DELETE FROM orders WHERE id = $1", []any{id}})
}

// reprice changes a product's price.
func (s *Shop) reprice(ctx context.Context) error {
	return s.transaction(ctx, statement{"UPDATE products SET price = round(price * $2 / 100, 2) WHERE sku = $1",
		[]any{s.skus[s.pick(len(s.skus))], percents[s.pick(len(percents))]}})
}

// renameProduct changes a product's primary key, and with it the items that were ordered of it.
func (s *Shop) renameProduct(ctx context.Context) error {
	s.renamed++
	i := s.pick(len(s.skus))
	old := s.skus[i]
	s.skus[i] = fmt.Sprintf("%s-%d", strings.SplitN(old, "-", 2)[0], 100+s.renamed)
	return s.transaction(ctx, statement{"UPDATE products SET sku = $2 WHERE sku = $1", []any{old, s.skus[i]}})
}

func (s *Shop) welcomeCustomer(ctx context.Context) error {
	s.customers++
	name := names[s.pick(len(names))]
	email := fmt.Sprintf("%s%d@example.com", strings.ToLower(strings.Fields(name)[0]), s.customers)
	return s.transaction(ctx, statement{"INSERT INTO customers (id, name, email, city) VALUES ($1, $2, $3, $4)",
		[]any{s.customers, name, email, cities[s.pick(len(cities))]}})
}

func (s *Shop) moveCustomer(ctx context.Context) error {
	return s.transaction(ctx, statement{"UPDATE customers SET city = $2 WHERE id = $1 AND city IS DISTINCT FROM $2",
		[]any{1 + s.pick(s.customers), cities[s.pick(len(cities))]}})
}

// rewardCustomer fills the column that evolve has added, while there is one.
func (s *Shop) rewardCustomer(ctx context.Context) error {
	if s.evolved%len(evolution) == 0 {
		return s.moveCustomer(ctx)
	}
	return s.transaction(ctx, statement{"UPDATE customers SET tier = $2 WHERE id = $1 AND tier IS DISTINCT FROM $2",
		[]any{1 + s.pick(s.customers), tiers[s.pick(len(tiers))]}})
}

// evolve changes the schema of customers.
func (s *Shop) evolve(ctx context.Context) error {
	sql := evolution[s.evolved%len(evolution)]
	s.evolved++
	return s.transaction(ctx, statement{sql, nil})
}
