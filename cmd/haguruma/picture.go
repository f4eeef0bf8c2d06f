package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
)

// readPicture decodes one picture file, never reading more than the limits allow.
func readPicture(path string) (*picture.Picture, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	// One byte over the limit is read, so that Decode sees that it is too large.
	data, err := io.ReadAll(io.LimitReader(file, int64(picture.DefaultLimits.MaxBytes)+1))
	if err != nil {
		return nil, err
	}
	return decodePicture(path, data)
}

func decodePicture(name string, data []byte) (*picture.Picture, error) {
	pic, err := picture.Decode(data, picture.DefaultLimits)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return pic, nil
}

// query is a picture to classify.
type query struct {
	name string
	open func() (*picture.Picture, error)
}

// openQueries is listQueries, and says how many files were passed over.
func (a *app) openQueries(arguments []string) (list []query, done func(), err error) {
	list, others, done, err := listQueries(arguments)
	if err == nil && others > 0 {
		a.passedOver(others, "among the queries: not a picture by name (%s)", strings.Join(pictureSuffixes, " "))
	}
	return list, done, err
}

// listQueries lists the pictures that the arguments name: those of pictureFiles, and those in zips at any depth, as ZIP/NAME. Call done when they have
// been read.
func listQueries(arguments []string) (list []query, others int, done func(), err error) {
	var zips []*fewshot.Pictures
	done = func() {
		for _, z := range zips {
			z.Close()
		}
	}
	for _, argument := range arguments {
		if !strings.EqualFold(filepath.Ext(argument), ".zip") {
			files, more, err := pictureFiles([]string{argument})
			if err != nil {
				done()
				return nil, 0, nil, err
			}
			others += more
			for _, file := range files {
				list = append(list, query{file, func() (*picture.Picture, error) { return readPicture(file) }})
			}
			continue
		}
		z, err := fewshot.OpenPictures(argument)
		if err != nil {
			done()
			return nil, 0, nil, err
		}
		zips, others = append(zips, z), others+z.Others
		for i, in := range z.Names {
			name := argument + "/" + in
			list = append(list, query{name, func() (*picture.Picture, error) {
				data, err := z.Bytes(i)
				if err != nil {
					return nil, err
				}
				return decodePicture(name, data)
			}})
		}
		if len(z.Names) == 0 {
			done()
			return nil, 0, nil, fmt.Errorf("%s: no picture file (%s) in this zip", argument, strings.Join(pictureSuffixes, " "))
		}
	}
	return list, others, done, nil
}

var pictureSuffixes = []string{".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp"}

// pictureFiles lists the queries that the arguments name: files as they are,
// folders by the picture files in them, at any depth, in order of their names.
// others counts what else lies in the folders, hidden files apart.
func pictureFiles(arguments []string) (files []string, others int, err error) {
	for _, argument := range arguments {
		info, err := os.Stat(argument)
		if err != nil {
			return nil, 0, err
		}
		if !info.IsDir() {
			files = append(files, argument)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(argument, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if strings.HasPrefix(entry.Name(), ".") && path != argument {
				if entry.IsDir() {
					return filepath.SkipDir
				}
				return nil
			}
			switch {
			case entry.IsDir():
			case slices.Contains(pictureSuffixes, strings.ToLower(filepath.Ext(path))):
				files = append(files, path)
			default:
				others++
			}
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
		if len(files) == before {
			return nil, 0, fmt.Errorf("%s: no picture file (%s) in this folder", argument, strings.Join(pictureSuffixes, " "))
		}
	}
	return files, others, nil
}
