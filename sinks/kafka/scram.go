package kafka

import (
	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

// scramClient is one SCRAM conversation (RFC 5802) in the form that sarama asks for.
type scramClient struct {
	hash         scram.HashGeneratorFcn
	conversation *scram.ClientConversation
}

// scramClients makes a conversation a connection; nil where the mechanism is not SCRAM.
func scramClients(m Mechanism) func() sarama.SCRAMClient {
	switch m {
	case ScramSHA256:
		return func() sarama.SCRAMClient { return &scramClient{hash: scram.SHA256} }
	case ScramSHA512:
		return func() sarama.SCRAMClient { return &scramClient{hash: scram.SHA512} }
	default:
		return nil
	}
}

// Begin starts the conversation.
func (c *scramClient) Begin(user, password, authzID string) error {
	client, err := c.hash.NewClient(user, password, authzID)
	if err != nil {
		return err
	}
	c.conversation = client.NewConversation()
	return nil
}

// Step answers the broker's challenge. At its end it has proven the broker's knowledge of the password too.
func (c *scramClient) Step(challenge string) (string, error) { return c.conversation.Step(challenge) }

// Done says whether nothing is left to be said.
func (c *scramClient) Done() bool { return c.conversation.Done() }
