package mutants

import "slices"

// planted is every mutant.
func planted() []Mutant {
	return slices.Concat(deliveryMutants(), snapshotMutants(), recordMutants(), exactlyOnceMutants())
}
