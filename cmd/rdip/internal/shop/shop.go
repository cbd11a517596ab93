package shop

import (
	"math/rand/v2"
	"strings"
	"time"
)

// Shop knows what is in the shop's database, as long as nobody else does business there. It belongs to one
// goroutine.
type Shop struct {
	random *rand.Rand
	steps  int

	customers int      // their ids count from 1 without a gap
	skus      []string // of the products
	orders    []order  // that are not delivered and not cancelled
	lastOrder int
	renamed   int // products that got another sku so far
	evolved   int // schema changes so far
}

type order struct {
	id     int
	status int // an index into statuses
}

var statuses = []string{"new", "paid", "packed", "shipped", "delivered"}

// firstDay is when the shop opened; it has a day every ten steps.
var firstDay = time.Date(2026, 1, 7, 0, 0, 0, 0, time.UTC)

// New is a shop whose Tables were just made.
func New(seed uint64) *Shop {
	return &Shop{
		random: rand.New(rand.NewPCG(seed, seed)), customers: 3, lastOrder: 2,
		skus: []string{"tea-1", "tea-2", "cup-1", "pot-1", "tin-1"}, orders: []order{{id: 1}, {id: 2}},
	}
}

// step is one thing that happens in a shop: the statements of a transaction.
type step func(*Shop) []string

// tour is how the shop begins: one of everything, so that a short look shows it all.
var tour = []step{
	(*Shop).placeOrder, (*Shop).advanceOrder, (*Shop).renameProduct, (*Shop).evolve, (*Shop).rewardCustomer,
	(*Shop).cancelOrder, (*Shop).welcomeCustomer, (*Shop).moveCustomer, (*Shop).reprice,
}

// Step is the next transaction, as SQL that is to be sent as a whole.
func (s *Shop) Step() string {
	next := s.choose()
	s.steps++
	return "BEGIN;\n" + strings.Join(next(s), ";\n") + ";\nCOMMIT"
}

// choose takes what comes next: the tour, and then each by its weight in a hundred.
func (s *Shop) choose() step {
	if s.steps < len(tour) {
		return tour[s.steps]
	}
	if len(s.orders) < 2 {
		return (*Shop).placeOrder
	}
	n := s.random.IntN(100)
	for _, each := range []struct {
		weight int
		step   step
	}{
		{25, (*Shop).placeOrder}, {35, (*Shop).advanceOrder}, {8, (*Shop).reprice}, {8, (*Shop).cancelOrder},
		{8, (*Shop).welcomeCustomer}, {5, (*Shop).moveCustomer}, {5, (*Shop).rewardCustomer}, {4, (*Shop).renameProduct},
	} {
		if n -= each.weight; n < 0 {
			return each.step
		}
	}
	return (*Shop).evolve
}

func (s *Shop) pick(n int) int { return s.random.IntN(n) }

func (s *Shop) day() string { return firstDay.AddDate(0, 0, s.steps/10).Format(time.DateOnly) }
