package torchfile

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"strings"

	"haguruma/core/tensorfile"
)

// openZip reads the form of torch 1.6 and later: a zip of one folder with
// data.pkl, the object, and data/KEY for each storage, none compressed.
// Source: torch/serialization.py, _save.
func (c *Checkpoint) openZip(r io.ReaderAt) (root any, err error) {
	archive, err := zip.NewReader(r, c.size)
	if err != nil {
		return nil, fmt.Errorf("torchfile: zip: %w: %w", err, tensorfile.ErrFormat)
	}
	records, total := map[string]*zip.File{}, uint64(0)
	for _, record := range archive.File {
		// Records that are as they will be read, and together no larger than the file, cannot ask for more than it holds.
		if record.Method != zip.Store || record.CompressedSize64 != record.UncompressedSize64 {
			return nil, fmt.Errorf("torchfile: record %q: want it stored, as torch.save does, have it compressed: %w", clip(record.Name), tensorfile.ErrFormat)
		}
		if total += record.UncompressedSize64; record.UncompressedSize64 > uint64(c.size) || total > uint64(c.size) {
			return nil, fmt.Errorf("torchfile: record %q: want at most the %d bytes of the file, have %d: %w", clip(record.Name), c.size, total, tensorfile.ErrTruncated)
		}
		name := recordName(record.Name)
		if _, twice := records[name]; twice {
			return nil, fmt.Errorf("torchfile: record %q: %w", clip(record.Name), tensorfile.ErrDuplicate)
		}
		records[name] = record
	}
	if _, script := records["constants.pkl"]; script {
		return nil, fmt.Errorf("torchfile: a TorchScript archive: want torch.save(model.state_dict(), ...): %w", tensorfile.ErrFormat)
	}
	object, found := records["data.pkl"]
	if !found {
		return nil, fmt.Errorf("torchfile: zip of %d records: want data.pkl, have none: %w", len(archive.File), tensorfile.ErrFormat)
	}
	if object.UncompressedSize64 > maxPickle {
		return nil, fmt.Errorf("torchfile: data.pkl: want at most %d bytes, have %d: %w", maxPickle, object.UncompressedSize64, tensorfile.ErrTooLarge)
	}
	if order, found := records["byteorder"]; found && order.UncompressedSize64 < 64 {
		text, err := readRecord(order)
		if err != nil {
			return nil, fmt.Errorf("torchfile: %w", err)
		}
		if err := littleEndian(string(text) != "big"); err != nil {
			return nil, err
		}
	}
	data, err := readRecord(object)
	if err != nil {
		return nil, fmt.Errorf("torchfile: %w", err)
	}
	root, _, err = readPickle(data, storages(map[string]*storage{}))
	if err != nil {
		return nil, err
	}
	c.read = func(s *storage) error {
		record, found := records["data/"+s.key]
		if !found {
			return fmt.Errorf("record data/%s: have none: %w", clip(s.key), tensorfile.ErrTruncated)
		}
		width := uint64(itemSize(s.dtype))
		if record.UncompressedSize64%width != 0 || record.UncompressedSize64/width != uint64(s.elements) {
			return fmt.Errorf("record data/%s: want %d elements of %s, have %d bytes: %w", clip(s.key), s.elements, s.dtype, record.UncompressedSize64, tensorfile.ErrShape)
		}
		s.data, err = readRecord(record)
		return err
	}
	return root, nil
}

// readRecord reads a record whose size openZip has checked, and its checksum.
func readRecord(record *zip.File) ([]byte, error) {
	r, err := record.Open()
	if err == nil {
		defer r.Close()
		data := make([]byte, record.UncompressedSize64)
		if _, err = io.ReadFull(r, data); err == nil {
			var more [1]byte
			if _, err = r.Read(more[:]); err == io.EOF { // the checksum is compared at the end
				return data, nil
			}
		}
	}
	reason := tensorfile.ErrFormat
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		reason = tensorfile.ErrTruncated
	}
	return nil, fmt.Errorf("record %q: %v: %w", clip(record.Name), err, reason)
}

// recordName is the name of a record inside the archive's one folder.
func recordName(name string) string {
	if _, inside, found := strings.Cut(name, "/"); found {
		return inside
	}
	return name
}
