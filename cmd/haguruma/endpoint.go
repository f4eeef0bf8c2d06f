package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"haguruma/core/tensorfile"
)

// maxRemote is the most that an endpoint may answer with, in bytes.
const maxRemote = 64 << 20

var (
	errToken    = errors.New("the endpoint does not know the token")
	errEndpoint = errors.New("not an answer of haguruma's endpoint")
	errBusy     = errors.New("the endpoint cannot answer at the moment")
)

// endpoint is where haguruma serves at the edge.
type endpoint struct {
	url    string // without a slash at the end
	token  string
	client *http.Client
}

// open says where the endpoint is and with what token; nothing is sent yet.
func (f *remoteFlags) open() (*endpoint, error) {
	address := f.url
	if address == "" {
		address = os.Getenv("HAGURUMA_URL")
	}
	if address == "" {
		return nil, usagef("--url is missing: the address of the endpoint; or $HAGURUMA_URL")
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, usagef("--url %q: want https://HOST", address)
	}
	if u.Scheme == "http" && !local(u.Hostname()) {
		return nil, usagef("--url %q: want https, the token would be read on the way", address)
	}
	token := os.Getenv("HAGURUMA_TOKEN")
	if f.tokenFile != "" {
		data, err := tensorfile.ReadFile(f.tokenFile, maxText)
		if err != nil {
			return nil, err
		}
		token = strings.TrimSpace(string(data))
	}
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return nil, usagef("no token: set $HAGURUMA_TOKEN, or give --token-file")
	}
	return &endpoint{
		url: strings.TrimSuffix(address, "/"), token: token,
		client: &http.Client{
			Timeout:       5 * time.Minute,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the token is for this host
		},
	}, nil
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// problem is what the endpoint says when it does not do what was asked.
type problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (p *problem) Error() string { return fmt.Sprintf("%s (%s, HTTP %d)", p.Detail, p.Code, p.Status) }

// Is finds the remedies' sentinels.
func (p *problem) Is(target error) bool {
	switch target {
	case errToken:
		return p.Status == http.StatusUnauthorized
	case errBusy:
		return p.Status == http.StatusTooManyRequests || p.Status >= 500
	case errNoTask:
		return p.Code == "no_task" || p.Code == "removed"
	case errNoVersion:
		return p.Code == "no_version"
	case errWorse:
		return p.Code == "worse"
	}
	return false
}

// do sends a request and returns the body of an answer that is no problem. Errors: *problem; errEndpoint; those of the network.
func (e *endpoint) do(ctx context.Context, method, path string, headers http.Header, kind string, body []byte) ([]byte, *http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, e.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	for name, values := range headers {
		request.Header[name] = values
	}
	request.Header.Set("Authorization", "Bearer "+e.token)
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	response, err := e.client.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxRemote+1))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", e.url, err)
	}
	if len(data) > maxRemote {
		return nil, nil, fmt.Errorf("%s: want at most %d bytes: %w", e.url, maxRemote, errEndpoint)
	}
	if response.StatusCode/100 == 2 {
		return data, response, nil
	}
	p := &problem{}
	if json.Unmarshal(data, p) != nil || p.Code == "" {
		return nil, nil, fmt.Errorf("%s: HTTP %d: %w", e.url, response.StatusCode, errEndpoint)
	}
	p.Status = response.StatusCode
	return nil, nil, fmt.Errorf("%s: %w", e.url, p)
}

// json is do for an answer in JSON.
func (e *endpoint) json(ctx context.Context, method, path string, headers http.Header, kind string, body []byte, to any) error {
	data, _, err := e.do(ctx, method, path, headers, kind, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, to); err != nil {
		return fmt.Errorf("%s: %v: %w", e.url, err, errEndpoint)
	}
	return nil
}
