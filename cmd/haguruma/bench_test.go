package main

import (
	"math"
	"testing"
)

// TestBench: every figure is there, finite and above zero.
func TestBench(t *testing.T) {
	manifest := testBundle(t)
	have := parse[benchReport](t, succeed(t, "bench", "--bundle", manifest, "--json", "--batch", "2", "--seconds", "0.001"))
	figures := map[string]float64{
		"peak, one core": have.Peak.OneCore, "peak, all cores": have.Peak.AllCores,
		"float/s": have.Embed.FloatPerSecond, "int8/s": have.Embed.Int8PerSecond, "float ms": have.Embed.FloatMs, "int8 ms": have.Embed.Int8Ms, "picture ms": have.Embed.PictureMs,
	}
	if len(have.Products) != 7 {
		t.Errorf("want 7 products, have %v", have.Products)
	}
	for _, p := range have.Products {
		figures[p.Name+" float, one"], figures[p.Name+" float, all"] = p.FloatOne, p.FloatAll
		figures[p.Name+" share, one"], figures[p.Name+" share, all"] = p.ShareOne, p.ShareAll
		if p.Form == "NT" {
			figures[p.Name+" int8, one"], figures[p.Name+" int8, all"] = p.Int8One, p.Int8All
		}
	}
	for name, v := range figures {
		if !(v > 0) || math.IsInf(v, 0) {
			t.Errorf("%s: want above 0, have %v", name, v)
		}
	}
	if have.Machine.Kernel == "" || have.Backbone.Name != "default" {
		t.Errorf("have %+v %+v", have.Machine, have.Backbone)
	}
	succeed(t, "bench", "--bundle", manifest, "--batch", "1", "--seconds", "0.001")
}
