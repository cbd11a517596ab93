package main

import "testing"

// O6: what proves that a position was delivered is the connector's own topics. Another database's, whose
// prefix begins alike, would prove anything.
func TestTopicsOfAnotherConnectorWhosePrefixBeginsAlikeProveNothing(t *testing.T) {
	for topic, want := range map[string]bool{
		"shop.public.orders":        true,
		"shop.a_u002eb.c":           true,
		"shop.public.orders-value":  true, // a subject
		"shop.eu.public.orders":     false,
		"shop.eu.public.orders-key": false,
		"shopping.public.orders":    false,
		"shop":                      false,
		"shop.orders":               false,
		"__debezium-heartbeat.shop": false,
		"other.shop.public.orders":  false,
	} {
		if got := isOf("shop", topic); got != want {
			t.Errorf("%s is of shop: %v", topic, got)
		}
	}
}
