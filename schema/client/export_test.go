package client

import "net/http"

// Through sends a client's requests another way than over the network.
func Through(c *Client, way http.RoundTripper) { c.http.Transport = way }
