package shop

import (
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

// placeOrder is an order of one or two products, which leave the stock; where it would run out, a delivery
// comes first.
func (s *Shop) placeOrder() []string {
	s.lastOrder++
	id := s.lastOrder
	all := []string{fmt.Sprintf("INSERT INTO orders (id, customer_id, placed_on) VALUES (%d, %d, '%s')", id, s.customer(), s.day())}
	bought := s.random.Perm(len(s.skus))[:1+s.pick(2)]
	slices.Sort(bought) // the order of locks
	for i, product := range bought {
		sku, quantity := text(s.skus[product]), 1+s.pick(3)
		all = append(all,
			fmt.Sprintf("INSERT INTO order_items SELECT %d, %d, sku, %d, price FROM products WHERE sku = %s", id, i+1, quantity, sku),
			fmt.Sprintf("UPDATE products SET stock = CASE WHEN stock < %[1]d THEN stock + 100 ELSE stock END - %[1]d WHERE sku = %[2]s", quantity, sku))
	}
	s.orders = append(s.orders, order{id: id})
	return all
}

// advanceOrder takes an order to its next status; one that is delivered is done with.
func (s *Shop) advanceOrder() []string {
	i := s.pick(len(s.orders))
	o := &s.orders[i]
	o.status++
	id, status := o.id, statuses[o.status]
	if o.status == len(statuses)-1 {
		s.orders = slices.Delete(s.orders, i, i+1)
	}
	return one("UPDATE orders SET status = %s WHERE id = %d", text(status), id)
}

// cancelOrder deletes an order, and with it its items.
func (s *Shop) cancelOrder() []string {
	i := s.pick(len(s.orders))
	id := s.orders[i].id
	s.orders = slices.Delete(s.orders, i, i+1)
	return one("DELETE FROM orders WHERE id = %d", id)
}

// reprice changes a product's price.
func (s *Shop) reprice() []string {
	return one("UPDATE products SET price = round(price * %d / 100, 2) WHERE sku = %s", percents[s.pick(len(percents))], text(s.skus[s.pick(len(s.skus))]))
}

// renameProduct changes a product's primary key, and with it the items that were ordered of it.
func (s *Shop) renameProduct() []string {
	s.renamed++
	i := s.pick(len(s.skus))
	old := s.skus[i]
	s.skus[i] = fmt.Sprintf("%s-%d", strings.SplitN(old, "-", 2)[0], 100+s.renamed)
	return one("UPDATE products SET sku = %s WHERE sku = %s", text(s.skus[i]), text(old))
}

func (s *Shop) welcomeCustomer() []string {
	s.customers++
	name := names[s.pick(len(names))]
	email := fmt.Sprintf("%s%d@example.com", strings.ToLower(strings.Fields(name)[0]), s.customers)
	return one("INSERT INTO customers (id, name, email, city) VALUES (%d, %s, %s, %s)", s.customers, text(name), text(email), s.city())
}

func (s *Shop) moveCustomer() []string {
	return one("UPDATE customers SET city = %[2]s WHERE id = %[1]d AND city IS DISTINCT FROM %[2]s", s.customer(), s.city())
}

// rewardCustomer fills the column that evolve has added, while there is one.
func (s *Shop) rewardCustomer() []string {
	if s.evolved%len(evolution) == 0 {
		return s.moveCustomer()
	}
	return one("UPDATE customers SET tier = %[2]s WHERE id = %[1]d AND tier IS DISTINCT FROM %[2]s", s.customer(), text(tiers[s.pick(len(tiers))]))
}

// evolve changes the schema of customers.
func (s *Shop) evolve() []string {
	sql := evolution[s.evolved%len(evolution)]
	s.evolved++
	return []string{sql}
}

func (s *Shop) customer() int { return 1 + s.pick(s.customers) }

func (s *Shop) city() string { return text(cities[s.pick(len(cities))]) }

func one(sql string, args ...any) []string { return []string{fmt.Sprintf(sql, args...)} }

// text is a string as an SQL literal.
func text(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
