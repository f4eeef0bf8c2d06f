// Go's loader as workers-assets-gen of github.com/syumai/workers writes it: what run is given as its context, Go sees as the global of that name.
export {};
