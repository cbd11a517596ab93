// Package consume reads topics as a person looks at them: every partition, without a group and so without a
// trace in the cluster, from the beginning or from the end, and of transactions only what was committed.
package consume
