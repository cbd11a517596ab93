// Package lines writes records of topics a line each: for people, with what changed from what to what; as
// JSON, without loss; or as the bytes that they are. rdip tail and rdip demo print with it.
package lines
