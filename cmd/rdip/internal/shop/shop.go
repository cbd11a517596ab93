package shop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// Shop does business over one connection. It belongs to one goroutine.
type Shop struct {
	conn   *pgx.Conn
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
func New(conn *pgx.Conn, seed uint64) *Shop {
	return &Shop{
		conn: conn, random: rand.New(rand.NewPCG(seed, seed)), customers: 3, lastOrder: 2,
		skus: []string{"tea-1", "tea-2", "cup-1", "pot-1", "tin-1"}, orders: []order{{id: 1}, {id: 2}},
	}
}

// step is one thing that happens in a shop, a transaction or a statement.
type step func(*Shop, context.Context) error

// tour is how the shop begins: one of everything, so that a short look shows it all.
var tour = []step{
	(*Shop).placeOrder, (*Shop).advanceOrder, (*Shop).renameProduct, (*Shop).evolve, (*Shop).rewardCustomer,
	(*Shop).cancelOrder, (*Shop).welcomeCustomer, (*Shop).moveCustomer, (*Shop).reprice,
}

// Step does the next thing. What it was is the database's to tell.
func (s *Shop) Step(ctx context.Context) error {
	next := s.steps
	s.steps++
	if next < len(tour) {
		return tour[next](s, ctx)
	}
	return s.choose()(s, ctx)
}

// choose takes what comes next by its weight in a hundred.
func (s *Shop) choose() step {
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

// statement is SQL with its arguments.
type statement struct {
	sql  string
	args []any
}

// transaction runs statements as one.
func (s *Shop) transaction(ctx context.Context, all ...statement) error {
	return pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error {
		for _, each := range all {
			if _, err := tx.Exec(ctx, each.sql, each.args...); err != nil {
				return fmt.Errorf("%s: %w", each.sql, err)
			}
		}
		return nil
	})
}

func (s *Shop) pick(n int) int { return s.random.IntN(n) }

func (s *Shop) day() time.Time { return firstDay.AddDate(0, 0, s.steps/10) }
