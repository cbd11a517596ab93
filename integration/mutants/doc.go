// Package mutants proves that the harness catches: rdip is built with one bug planted in it, a scenario of the
// harness runs with that binary, and one of the judges has to say what is wrong. The same scenario with the binary as it
// is has to pass, in the same run.
//
//	make mutants                                     # all of them, and the table
//	RDIP_LONG=1 RDIP_MUTANTS='toast|tombstone' go test -v -run EveryPlanted ./integration/mutants
//
// A mutant is text in place of text, which must be in its file exactly once; it is compiled with go build -overlay,
// so that no file of the tree is touched. Scenarios run in a child of the test's own binary, since a scenario that
// catches fails its test. Only a judge's word counts: a build that fails, a daemon that ends by itself, or a
// wait that ran out catches nothing.
package mutants
