//go:build !unix

package store

import "os"

// lockFile is nothing where the standard library has no lock that ends with the program: there, one program at a time is the user's care.
func lockFile(*os.File) error { return nil }
