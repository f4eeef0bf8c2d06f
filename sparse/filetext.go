package sparse

import "haguruma/core/plainjson"

// read reads the JSON of metaExperts.
func (h *expertsHeader) read(s *plainjson.Scanner) error {
	return s.Fields(map[string]any{
		"experts": &h.Experts, "steps": &h.Steps, "temperature": &h.Temperature, "routing": plainjson.Word(&h.Routing),
		"router": func(s *plainjson.Scanner) error {
			h.Router = new(RouterConfig)
			return h.Router.read(s)
		},
	})
}

func (c *RouterConfig) read(s *plainjson.Scanner) error {
	return s.Fields(map[string]any{
		"dim": &c.Dim, "experts": &c.Experts, "heads": &c.Heads, "mlpDim": &c.MLPDim, "tokens": &c.Tokens, "read": plainjson.Word(&c.Read), "eps": &c.Eps,
	})
}

// readTensorHeaders reads the JSON of metaTensors.
func readTensorHeaders(s *plainjson.Scanner, to *[]tensorHeader) error {
	return s.List('[', ']', func() error {
		var t tensorHeader
		err := s.Fields(map[string]any{"name": plainjson.Word(&t.Name), "shape": plainjson.Integers(&t.Shape)})
		*to = append(*to, t)
		return err
	})
}
