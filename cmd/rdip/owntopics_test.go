package main

import "testing"

func TestSubjectsOfTopicsOfNoTableAreKnown(t *testing.T) {
	for subject, want := range map[string]bool{
		"shop-key": true, "shop-value": true, "shop.transaction-key": true, "shop.message-value": true, "__debezium-heartbeat.shop-value": true,
		"shop.public.orders-key": false, "shopping-key": false, "other.transaction-key": false, "__debezium-heartbeat.other-key": false,
	} {
		if got := ownSubject("shop", subject); got != want {
			t.Errorf("%s: %t", subject, got)
		}
	}
}
