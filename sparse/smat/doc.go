// Package smat (floor 5, native only) reads the checkpoints that the authors of SMAT published: Chen et al. 2024, arXiv:2403.08477, the code
// szc12153/sparse_meta_tuning. It turns their tensors into a backbone and the experts that package sparse runs.
//
// It knows both versions of that code. What the one of June 2024 does not save, the router's keys and skill tokens, cannot be restored: such
// experts have no router, and package sparse has one that needs no training.
//
// Read Read first; docs/FORMAT.md says which tensor becomes what. Errors wrap the sentinels of core/vit, core/tensorfile or sparse and name
// the tensor.
package smat
