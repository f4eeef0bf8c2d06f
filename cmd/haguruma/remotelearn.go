package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"haguruma/core/fewshot"
	"haguruma/core/picture"
)

// remoteTask is what an endpoint tells of a task.
type remoteTask struct {
	ID       string          `json:"id"`
	Bundle   string          `json:"bundle"`
	Version  int             `json:"version"` // in use; 0: the backbone alone
	Versions []remoteVersion `json:"versions"`
	Rollout  *remoteRollout  `json:"rollout,omitempty"`
}

type remoteVersion struct {
	Version  int    `json:"version"`
	Content  string `json:"content"`
	Time     string `json:"time"`
	Bytes    int    `json:"bytes"`
	By       string `json:"by"`
	Classes  int    `json:"classes"`
	Examples int    `json:"examples"`
	Hits     int    `json:"hits"`
	Total    int    `json:"total"`
}

// remoteRollout is a version on trial.
type remoteRollout struct {
	Version int     `json:"version"`
	Share   float64 `json:"share"`
	Need    int     `json:"need"`
	Seen    int     `json:"seen"`
}

func (a *app) writeHistory(t remoteTask) error {
	w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "  VERSION\tTIME (UTC)\tCLASSES\tEXAMPLES\tLEFT OUT\tMADE\tADAPTER")
	mark := func(version int) string {
		switch {
		case version == t.Version:
			return "*"
		case t.Rollout != nil && version == t.Rollout.Version:
			return "?"
		}
		return " "
	}
	fmt.Fprintf(w, "%s 0\t-\t-\t-\t-\t-\tthe backbone alone\n", mark(0))
	for _, v := range t.Versions {
		left := "-"
		if v.Total > 0 {
			left = fmt.Sprintf("%d/%d", v.Hits, v.Total)
		}
		fmt.Fprintf(w, "%s %d\t%s\t%d\t%d\t%s\t%s\t%.12s\n", mark(v.Version), v.Version, v.Time, v.Classes, v.Examples, left, v.By, v.Content)
	}
	if err := w.Flush(); err != nil || t.Rollout == nil {
		return err
	}
	_, err := fmt.Fprintf(a.stdout, "on trial: version %d with %g%% of the questions, %d of %d pictures seen\n", t.Rollout.Version, 100*t.Rollout.Share, t.Rollout.Seen, t.Rollout.Need)
	return err
}

// remoteBundle is what is wanted of an endpoint's bundle.
type remoteBundle struct {
	Name      string `json:"name"`
	SHA256    string `json:"sha256"`
	ImageSize int    `json:"imageSize"`
}

func (e *endpoint) bundle(ctx context.Context) (*remoteBundle, error) {
	b := &remoteBundle{}
	if err := e.json(ctx, http.MethodGet, "/v1/bundle", nil, "", nil, b); err != nil {
		return nil, err
	}
	if b.ImageSize < 1 || b.ImageSize > 2048 {
		return nil, fmt.Errorf("%s: want a bundle for pictures of 1 to 2048 pixels, have %d: %w", e.url, b.ImageSize, errEndpoint)
	}
	return b, nil
}

// square is the file of what a bundle for that size sees of a picture. To scale it again changes nothing, so what is said of it is said of the picture.
func square(pic *picture.Picture, size int) ([]byte, error) {
	seen := pic.Square(size)
	rgba := image.NewNRGBA(image.Rect(0, 0, size, size))
	for i := range size * size {
		copy(rgba.Pix[4*i:], seen.Pix[3*i:3*i+3])
		rgba.Pix[4*i+3] = 255
	}
	var out bytes.Buffer
	err := png.Encode(&out, rgba)
	return out.Bytes(), err
}

// pictureForm is a multipart body of pictures.
type pictureForm struct {
	body   bytes.Buffer
	writer *multipart.Writer
}

func newPictureForm() *pictureForm {
	f := &pictureForm{}
	f.writer = multipart.NewWriter(&f.body)
	return f
}

// add appends a picture under the name of its class.
func (f *pictureForm) add(class string, data []byte) error {
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", `form-data; name="`+formName.Replace(class)+`"; filename="p.png"`)
	header.Set("Content-Type", "image/png")
	part, err := f.writer.CreatePart(header)
	if err == nil {
		_, err = part.Write(data)
	}
	return err
}

// formName writes a name as browsers do.
var formName = strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22")

func (f *pictureForm) end() (kind string, body []byte, err error) {
	err = f.writer.Close()
	return f.writer.FormDataContentType(), f.body.Bytes(), err
}

func (a *app) remoteAdaptCommand() *cobra.Command {
	f := remoteFlags{}
	var head string
	var force bool
	var share float64
	command := &cobra.Command{
		Use:   "adapt FOLDER_OR_ZIP",
		Short: "Learn from labelled examples at the endpoint, as a new task or the next version of one",
		Long: `adapt learns from a folder (or zip) that has one folder per class with the class's
pictures in it. Without --task it begins a task and prints its name. With --task it makes
the next version of what is in the folder now; one that is worse than the version in use, on
examples that are new to both, is not taken unless --force says so. --share puts it on
trial: it answers that share of the questions until feedback has decided.`,
		Args: exactly(1, "one folder or zip of examples"),
		RunE: func(command *cobra.Command, args []string) error {
			switch {
			case head != "" && !slices.Contains(fewshot.Kinds, fewshot.Kind(head)):
				return usagef("--head %q: want one of %v", head, fewshot.Kinds)
			case f.task == "" && (force || share != 0):
				return usagef("--force and --share go with --task")
			case !(share >= 0 && share <= 1):
				return usagef("--share %v: want 0 to 1", share)
			}
			e, err := f.open()
			if err != nil {
				return err
			}
			query := url.Values{}
			if head != "" {
				query.Set("head", head)
			}
			if force {
				query.Set("force", "true")
			}
			if share > 0 {
				query.Set("share", fmt.Sprint(share))
			}
			return a.remoteAdapt(command.Context(), e, f, args[0], query)
		},
	}
	f.add(command)
	flags := command.Flags()
	flags.StringVar(&head, "head", "", "classifier: prototypes, ridge, lda, logistic or blend (default: by leave-one-out)")
	flags.BoolVar(&force, "force", false, "take it into use even if it is worse than the version in use")
	flags.Float64Var(&share, "share", 0, "put it on trial with this share of the questions, 0 to 1")
	flags.BoolVar(&f.asJSON, "json", false, "print the endpoint's answer as JSON")
	return command
}

func (a *app) remoteAdapt(ctx context.Context, e *endpoint, f remoteFlags, from string, query url.Values) error {
	b, err := e.bundle(ctx)
	if err != nil {
		return err
	}
	classes, data, err := a.readLabelled(from)
	if err != nil {
		return err
	}
	defer data.Close()
	form := newPictureForm()
	for _, c := range classes {
		for _, p := range c.images {
			bytes, err := p.read()
			if err == nil {
				var pic *picture.Picture
				if pic, err = picture.Decode(bytes, picture.DefaultLimits); err == nil {
					if bytes, err = square(pic, b.ImageSize); err == nil {
						err = form.add(c.name, bytes)
					}
				}
			}
			if err != nil {
				return fmt.Errorf("%s: %s/%s: %w", from, c.name, p.name, err)
			}
		}
	}
	kind, body, err := form.end()
	if err != nil {
		return err
	}
	path := "/v1/tasks"
	if f.task != "" {
		path += "/" + url.PathEscape(f.task) + "/versions"
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var r struct {
		Task        remoteTask `json:"task"`
		Version     int        `json:"version"`
		Taken       bool       `json:"taken"`
		Verdict     verdict    `json:"verdict"`
		Explanation any        `json:"explanation"`
	}
	if err := e.json(ctx, http.MethodPost, path, nil, kind, body, &r); err != nil {
		return err
	}
	if f.asJSON {
		return a.writeJSON(r)
	}
	if !r.Taken && r.Version == 0 {
		return fmt.Errorf("%s: not taken, %s: %w", r.Task.ID, r.Verdict.Reason, errWorse)
	}
	last := r.Task.Versions[len(r.Task.Versions)-1]
	fmt.Fprintf(a.stdout, "%s, %s\n", count(last.Classes, "class", "classes"), count(last.Examples, "example", "examples"))
	if last.Total > 0 {
		fmt.Fprintf(a.stdout, "left out one by one: %d of %d right\n", last.Hits, last.Total)
	}
	what := "is in use"
	if !r.Taken {
		what = "is on trial"
	}
	_, err = fmt.Fprintf(a.stdout, "%s: version %d %s\n", r.Task.ID, r.Version, what)
	return err
}

// remoteBatch is how many pictures are sent in one request.
const remoteBatch = 32

func (a *app) remoteClassifyCommand() *cobra.Command {
	f := remoteFlags{}
	var asCSV bool
	command := &cobra.Command{
		Use:   "classify --task NAME QUERY...",
		Short: "Classify pictures at the endpoint, with the answers that the adapter gives here",
		RunE: func(command *cobra.Command, queries []string) error {
			if err := exclusive(command, "json", "csv"); err != nil {
				return err
			}
			if err := f.needsTask(); err != nil {
				return err
			}
			if len(queries) == 0 {
				return usagef("no query: name a picture or a folder of pictures")
			}
			e, err := f.open()
			if err != nil {
				return err
			}
			return a.remoteClassify(command.Context(), e, f, asCSV, queries)
		},
	}
	f.add(command)
	command.Flags().BoolVar(&f.asJSON, "json", false, "print JSON, with the probability of every class")
	command.Flags().BoolVar(&asCSV, "csv", false, "print CSV (UTF-8 with BOM, for spreadsheets)")
	return command
}

// remoteAnswer is what an endpoint says of one picture.
type remoteAnswer struct {
	Class       string  `json:"class"`
	Probability float32 `json:"probability"`
	Known       bool    `json:"known"`
	Scores      []struct {
		Name        string  `json:"name"`
		Probability float32 `json:"probability"`
	} `json:"scores"`
}

func (a *app) remoteClassify(ctx context.Context, e *endpoint, f remoteFlags, asCSV bool, queries []string) error {
	b, err := e.bundle(ctx)
	if err != nil {
		return err
	}
	files, done, err := a.openQueries(queries)
	if err != nil {
		return err
	}
	defer done()
	results := make([]classified, len(files))
	var failures []error
	versions := []int{}
	for from := 0; from < len(files); from += remoteBatch {
		form, sent := newPictureForm(), []int(nil)
		for i := from; i < min(from+remoteBatch, len(files)); i++ {
			results[i].File = files[i].name
			pic, err := files[i].open()
			if err != nil {
				results[i].Error = err.Error()
				failures = append(failures, err)
				continue
			}
			data, err := square(pic, b.ImageSize)
			if err == nil {
				err = form.add("picture", data)
			}
			if err != nil {
				return err
			}
			sent = append(sent, i)
		}
		if len(sent) == 0 {
			continue
		}
		version, said, err := e.classify(ctx, f.task, form, len(sent))
		if err != nil {
			return err
		}
		if !slices.Contains(versions, version) {
			versions = append(versions, version)
		}
		for k, i := range sent {
			said[k].tell(&results[i])
		}
	}
	about := map[string]any{"bundle": map[string]any{"name": b.Name, "sha256": b.SHA256}, "task": f.task, "versions": versions}
	return a.writeClassified(f.asJSON, asCSV, about, results, failures)
}

func (e *endpoint) classify(ctx context.Context, task string, form *pictureForm, n int) (version int, said []remoteAnswer, err error) {
	kind, body, err := form.end()
	if err != nil {
		return 0, nil, err
	}
	var r struct {
		Version int            `json:"version"`
		Results []remoteAnswer `json:"results"`
	}
	if err := e.json(ctx, http.MethodPost, "/v1/tasks/"+url.PathEscape(task)+"/classify", nil, kind, body, &r); err != nil {
		return 0, nil, err
	}
	if len(r.Results) != n {
		return 0, nil, fmt.Errorf("%s: want answers to %d pictures, have %d: %w", e.url, n, len(r.Results), errEndpoint)
	}
	return r.Version, r.Results, nil
}

// tell writes an answer as classify prints it.
func (r *remoteAnswer) tell(out *classified) {
	for _, s := range r.Scores {
		out.Scores = append(out.Scores, classScore{s.Name, s.Probability})
	}
	out.answered(r.Class, r.Probability, r.Known)
}
