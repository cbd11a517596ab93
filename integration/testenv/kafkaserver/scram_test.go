package kafkaserver

import (
	"github.com/xdg-go/scram"
)

// scramClient is what sarama wants of a SCRAM library.
type scramClient struct {
	hash         scram.HashGeneratorFcn
	conversation *scram.ClientConversation
}

func newSCRAM(mechanism string) *scramClient {
	if mechanism == "SCRAM-SHA-256" {
		return &scramClient{hash: scram.SHA256}
	}
	return &scramClient{hash: scram.SHA512}
}

func (s *scramClient) Begin(user, password, authzID string) error {
	client, err := s.hash.NewClient(user, password, authzID)
	if err != nil {
		return err
	}
	s.conversation = client.NewConversation()
	return nil
}

func (s *scramClient) Step(challenge string) (string, error) { return s.conversation.Step(challenge) }

func (s *scramClient) Done() bool { return s.conversation.Done() }
