package sparse

import "haguruma/core/plainjson"

// read reads the JSON of metaExperts.
func (h *expertsHeader) read(s *plainjson.Scanner) error {
	return s.Object(func(name string) (err error) {
		switch name {
		case "experts":
			return s.Integer(&h.Experts)
		case "steps":
			return s.Integer(&h.Steps)
		case "temperature":
			x, err := s.Real(32)
			h.Temperature = float32(x)
			return err
		case "routing":
			h.Routing, err = s.Word()
			return err
		case "router":
			h.Router = new(RouterConfig)
			return h.Router.read(s)
		}
		return plainjson.Unknown(name)
	})
}

func (c *RouterConfig) read(s *plainjson.Scanner) error {
	return s.Object(func(name string) (err error) {
		switch name {
		case "dim":
			return s.Integer(&c.Dim)
		case "experts":
			return s.Integer(&c.Experts)
		case "heads":
			return s.Integer(&c.Heads)
		case "mlpDim":
			return s.Integer(&c.MLPDim)
		case "tokens":
			return s.Integer(&c.Tokens)
		case "read":
			c.Read, err = s.Word()
			return err
		case "eps":
			c.Eps, err = s.Real(64)
			return err
		}
		return plainjson.Unknown(name)
	})
}

// readTensorHeaders reads the JSON of metaTensors.
func readTensorHeaders(s *plainjson.Scanner, to *[]tensorHeader) error {
	return s.List('[', ']', func() error {
		var t tensorHeader
		err := s.Object(func(name string) (err error) {
			switch name {
			case "name":
				t.Name, err = s.Word()
				return err
			case "shape":
				return s.List('[', ']', func() error {
					t.Shape = append(t.Shape, 0)
					return s.Integer(&t.Shape[len(t.Shape)-1])
				})
			}
			return plainjson.Unknown(name)
		})
		*to = append(*to, t)
		return err
	})
}
