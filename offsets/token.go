package offsets

// Token numbers the batches of one lane in the order in which they were opened.
type Token uint64
