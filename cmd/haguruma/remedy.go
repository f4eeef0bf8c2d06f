package main

import (
	"errors"
	"io/fs"
	"syscall"

	"haguruma/adapt"
	"haguruma/adapt/adapter"
	"haguruma/adapt/journal"
	"haguruma/adapt/signature"
	"haguruma/adapt/store"
	"haguruma/core/fewshot"
	"haguruma/core/manifest"
	"haguruma/core/picture"
	"haguruma/core/tensorfile"
	"haguruma/core/vit"
	"haguruma/sparse"
	"haguruma/sparse/metatune"
)

// remedies say what a person can do about an error, the most particular first.
var remedies = []struct {
	err  error
	hint string
}{
	{errNoBundle, "give --bundle FILE, or train one with haguruma pretrain"},
	{errHash, "copy or download the bundle again, together with its manifest"},
	{errToken, "ask who runs the endpoint for a token of your tenant, and set $HAGURUMA_TOKEN to it"},
	{errEndpoint, "check --url: GET /healthz there is to answer"},
	{errBusy, "try again in a moment"},
	{errNoTask, "haguruma adapt FOLDER_OR_ZIP --task makes one"},
	{errOccupied, "name a folder that is not there yet"},
	{errNoVersion, "haguruma history lists the versions, haguruma rollback takes one into use"},
	{errWorse, "look at the new examples, some may be in the wrong class; --force takes it all the same"},
	{errContradiction, "remove one of the two, or move it where it belongs"},
	{errMoving, "do it again; the task is as it was"},
	{errNoProvenance, "give an adapter that haguruma adapt --task -o wrote"},
	{errSound, "haguruma journal prints it"},
	{adapter.ErrBundle, "give --bundle the one that the adapter was made for"},
	{adapter.ErrExperts, "give --experts the file that the adapter was made with"},
	{adapter.ErrUnsigned, "ask for a signed file: haguruma adapt --sign; or leave out --signed and --key"},
	{adapter.ErrSigner, "give --key the public key of who has signed it, if you trust them"},
	{adapter.ErrForged, "do not use it: it was changed after it was signed, or the signature is another one's. Ask for it again"},
	{adapter.ErrEdited, "do not use it: it was changed or damaged. Copy it again, or take it from the task anew: haguruma rollback TASK N -o FILE"},
	{adapter.ErrNumbers, "the adapter is broken: adapt again"},
	{adapter.ErrTooLarge, "give an adapter that haguruma adapt wrote"},
	{signature.ErrKey, "give an Ed25519 key as haguruma key makes them"},
	{store.ErrLocked, "wait until the other haguruma has ended"},
	{store.ErrDamaged, "restore the folder from a copy; what the history lists as readable can still be rolled back to"},
	{store.ErrFull, "make room on the disk; the task is as it was"},
	{store.ErrDenied, "check who may write to the folder; the task is as it was"},
	{journal.ErrFormat, "find out who changed it; haguruma journal restart puts it aside and begins a new one"},
	{journal.ErrChanged, "find out who changed it; haguruma journal restart puts it aside and begins a new one"},
	{journal.ErrOrder, "find out who changed it; haguruma journal restart puts it aside and begins a new one"},
	{journal.ErrCut, "find out who changed it; haguruma journal restart puts it aside and begins a new one"},
	{sparse.ErrBackbone, "give the bundle that the experts were learned on, or to classify --no-experts"},
	{sparse.ErrFormat, "give an experts file that haguruma metatune wrote, or to classify --no-experts"},
	{tensorfile.ErrTruncated, "copy or download the file again, it was cut short"},
	{vit.ErrUnsupported, "haguruma import --help lists the models that can be imported"},
	{errImport, "give a ViT checkpoint as its authors publish it, or the flags it lacks: haguruma import --help"},
	{adapter.ErrFormat, "give an adapter that haguruma adapt wrote; a damaged one has to be copied again"},
	{manifest.ErrManifest, "give the .json that lies beside a bundle, or the bundle itself"},
	{fewshot.ErrEmptyClass, "put at least one picture directly into each class folder, or remove the folder"},
	{fewshot.ErrNoClass, "make one folder per class, with the class's pictures in it"},
	{adapt.ErrTooFewClasses, "make at least two class folders"},
	{adapt.ErrContradiction, "leave the picture in the class it belongs to, and remove it from the other"},
	{adapt.ErrBadName, "rename the class folder"},
	{adapt.ErrDuplicateClass, "rename one of the two class folders"},
	{fewshot.ErrEncrypted, "unpack the zip and give the folder"},
	{fewshot.ErrPath, "rename the file, or pack the zip again"},
	{fewshot.ErrDuplicate, "rename one of the two"},
	{fewshot.ErrGuard, "choose a split that the set's role allows: see datasets.json"},
	{fewshot.ErrTooFewClasses, "lower the shots, or choose a set with larger classes"},
	{fewshot.ErrUnknown, "see datasets.json for the names there are"},
	{fewshot.ErrTooLarge, "make the file smaller"},
	{fewshot.ErrTruncated, "copy the file again"},
	{fewshot.ErrFormat, "give a folder or a .zip with one folder per class; a damaged one has to be copied again"},
	{picture.ErrTooLarge, "make the picture smaller"},
	{picture.ErrTruncated, "copy the picture again, it was cut short"},
	{picture.ErrEmpty, "give a picture that has pixels"},
	{picture.ErrFormat, "save the picture as JPEG or PNG"},
	{metatune.ErrCheckpoint, "give another --out folder, or the flags of the run that is in it"},
	{metatune.ErrDiverged, "give smaller learning rates: the same command goes on from the last checkpoint"},
	{metatune.ErrOtherSuite, "give another --out folder, or the flags, data and weights of the run that is in it"},
	{metatune.ErrSuite, "give a suite.json written by haguruma eval --suite, or another --out folder"},
	{metatune.ErrNotFinite, "the weights are broken: train or import them again"},
	{metatune.ErrConfig, "see the flags of haguruma pretrain --help and haguruma metatune --help"},
	{sparse.ErrConfig, "see the flags of haguruma metatune --help"},
	{vit.ErrConfig, "use a bundle, or flags, that describe a whole backbone: haguruma inspect FILE shows what a file holds"},
	{tensorfile.ErrFormat, "give a bundle made by haguruma; a damaged one has to be copied or downloaded again"},
	{tensorfile.ErrDType, "give a bundle made by haguruma: haguruma inspect FILE shows what a file holds"},
	{tensorfile.ErrShape, "give a bundle made by haguruma: haguruma inspect FILE shows what a file holds"},
	{tensorfile.ErrDuplicate, "write the file again"},
	{tensorfile.ErrTooLarge, "give a smaller file"},
	{fs.ErrNotExist, "check the path"},
	{store.ErrNotFound, "haguruma history lists what there is"},
	{fs.ErrExist, "give the name of a file that is not there yet"},
	{fs.ErrPermission, "check who may read it, and write where the results go"},
	{syscall.EADDRINUSE, "end the program that listens there, or give --addr another port"},
	{syscall.EADDRNOTAVAIL, "give --addr an address of this machine"},
	{errNoFolder, "give the folder that holds index.html"},
	{syscall.ENOSPC, "make room on the disk"},
}

// remedy returns what can be done about err, or "" when nothing is known.
func remedy(err error) string {
	for _, r := range remedies {
		if errors.Is(err, r.err) {
			return r.hint
		}
	}
	return ""
}
