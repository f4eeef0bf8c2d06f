#!/usr/bin/env bash
# haguruma: every verb of the project. CI runs these and no others.
#
#   ./build.sh run     builds everything and serves the page
#   ./build.sh test    everything that must be green
#
# Needs Go >= 1.21 (it fetches the toolchain that go.mod names) and Node >= 20.
# Compiler flags are the same in every verb, so that nothing is compiled twice.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

usage() {
  cat <<'USAGE'
usage: ./build.sh VERB

  run        build, then serve the page on http://localhost:8080 (or $PORT, or the next free port)
  build      the engines in www (engine*.wasm), www/wasm_exec.js and build/haguruma
  check      formatting, vet, module files, types of the page, shell syntax
  test       check, build and every test below; ends with one line a stage
  test-wasm  the Go tests of core, sparse, adapt and wasm under wasm with SIMD, in Node
  e2e        the page in a real Chromium
  worker     build/worker, what is deployed to the edge
  worker-dev the same in workerd on this machine, on http://localhost:8787 (or $PORT), without a network
  bench      speed on this machine: native, then beside onnxruntime-web in Chromium
  fuzz       every fuzz target, 20,000 inputs each, or as many as asked for: ./build.sh fuzz 500x
  dist       reproducible archives and their sha256 list in dist/
  package    the npm package of the engine, in dist/package and packed; publishes nothing
  help       this list

run and bench hand further arguments on: ./build.sh bench --quick
USAGE
}

die() {
  printf 'build.sh: %s\n' "$1" >&2
  exit 1
}

# --- tools ---------------------------------------------------------------

need_go() {
  command -v go >/dev/null || die "no go on PATH; install Go 1.21 or later from https://go.dev/dl"
  GOTOOLCHAIN=$(sed -n 's/^toolchain //p' go.mod)
  export GOTOOLCHAIN # over GOTOOLCHAIN=local too: an older go fetches the one named
  go version >/dev/null || die "go could not provide $GOTOOLCHAIN; check the Go version (>= 1.21) and the module proxy"
  goroot=$(go env GOROOT)
}

need_node() {
  command -v node >/dev/null || die "no node on PATH; install Node 20 or later from https://nodejs.org"
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  ((major >= 20)) || die "node is $(node --version), want 20 or later"
}

# npm ci only when the lock file is newer than what is installed.
need_packages() {
  need_node
  if [[ ! -e node_modules/.package-lock.json || package-lock.json -nt node_modules/.package-lock.json ]]; then
    npm ci --no-audit --no-fund
  fi
}

need_chromium() {
  local name
  if [[ -n ${CHROMIUM:-} ]]; then
    [[ -x $CHROMIUM ]] || die "CHROMIUM=$CHROMIUM is not a program"
    export CHROMIUM
    return
  fi
  for name in chromium chromium-browser google-chrome; do
    if CHROMIUM=$(command -v "$name"); then
      export CHROMIUM
      return
    fi
  done
  local -a as_root=()
  if ((EUID != 0)); then as_root=(sudo -n); fi
  if command -v apt-get >/dev/null && { ((EUID == 0)) || sudo -n true 2>/dev/null; }; then
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends chromium
    CHROMIUM=$(command -v chromium) || die "the chromium package left no chromium on PATH"
    export CHROMIUM
    return
  fi
  die "no Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM to the program"
}

# --- verbs ---------------------------------------------------------------

flags=(-trimpath)
link=(-buildvcs=false "-ldflags=-s -w -buildid=")

# What runs in the browser; training and checkpoints of others are native only.
wasm_packages() {
  go list ./core/... ./sparse/... ./adapt/... | grep -vE '/(metatune|smat|torchfile)$'
}

simd() { GOEXPERIMENT=simd "$@"; }
# Without the second implementation of encoding/json the engine is 0.2 MB smaller to download. An allocator and a collector made for
# servers with many cores are 15 kB more, for one thread and a heap that hardly has pointers.
wasm() { GOOS=js GOARCH=wasm GOEXPERIMENT=simd,nojsonv2,nosizespecializedmalloc,nogreenteagc "$@"; }

# Go 1.27 links relaxed SIMD with opcodes that no engine takes.
relaxfix() { go build "${flags[@]}" -o build/relaxfix ./tools/relaxfix; }

# The engines go to build first, whole; www gets them without what only stack traces read. What takes their time is assembly, so
# not inlining costs nothing there and saves a tenth of the download. The tag browser leaves GIF, WebP and BMP to the browser.
engines() {
  local -a small=("${flags[@]}" -buildvcs=false "-ldflags=-w -buildid=" -gcflags=all=-l) # with names, for wasmtrim
  go build "${flags[@]}" -o build/wasmtrim ./tools/wasmtrim
  wasm go build "${small[@]}" -tags browser -o build/engine.wasm ./wasm/browser
  relaxfix
  wasm go build "${small[@]}" -tags browser,relaxed -o build/engine.relaxed.wasm ./wasm/browser
  build/relaxfix build/engine.relaxed.wasm
  build/wasmtrim -simd build/engine.wasm www/engine.wasm
  build/wasmtrim -simd build/engine.relaxed.wasm www/engine.relaxed.wasm
  # With fine-tuning, for those who ask for it.
  wasm go build "${small[@]}" -tags browser,tune -o build/engine.tune.wasm ./wasm/browser
  wasm go build "${small[@]}" -tags browser,tune,relaxed -o build/engine.tune.relaxed.wasm ./wasm/browser
  build/relaxfix build/engine.tune.relaxed.wasm
  build/wasmtrim -simd build/engine.tune.wasm www/engine.tune.wasm
  build/wasmtrim -simd build/engine.tune.relaxed.wasm www/engine.tune.relaxed.wasm
}

build() {
  need_go
  mkdir -p build
  engines
  cp -f "$goroot/lib/wasm/wasm_exec.js" www/wasm_exec.js
  chmod u+w www/wasm_exec.js
  simd go build "${flags[@]}" "${link[@]}" -o build/haguruma ./cmd/haguruma
  # For hosts other than serve: what the page keeps for use without a network.
  build/haguruma serve --list www >build/files.json
  mv -f build/files.json www/files.json
}

# The Worker for the edge: build/worker is deployed, with build/worker-assets beside it: the page that build made, and the model. As in the engines, what only stack traces read is left out. workerd
# takes relaxed SIMD. A script may have 3 MB, so all is inlined but the kernels, which wasmtrim wants to see.
worker() {
  need_go
  local out=build/worker
  mkdir -p "$out"
  go tool workers-assets-gen -mode=go -o "$out" # empties the folder
  rm "$out/worker.mjs" "$out/runtime.mjs"       # those start one program a request
  go build "${flags[@]}" -o build/wasmtrim ./tools/wasmtrim
  wasm go build "${flags[@]}" -buildvcs=false "-ldflags=-w -buildid=" -gcflags=haguruma/core/kernel=-l -tags relaxed -o build/worker.wasm ./wasm/worker
  relaxfix
  build/relaxfix build/worker.wasm
  build/wasmtrim -simd build/worker.wasm "$out/worker.wasm"
  cp edge/*.js "$out"
  (cd "$out" && printf '%s\n' worker.js && ls | grep -vx -e worker.js -e modules.txt) >build/modules.txt
  mv build/modules.txt "$out/modules.txt"
  rm -rf build/worker-assets
  cp -r www build/worker-assets
  rm -r build/worker-assets/test
  find build/worker-assets -name '*.d.ts' -delete
}

run() {
  build
  exec build/haguruma serve "$@" www
}

# The assembly in core/kernel is what its generator writes.
generated() {
  local file fresh=build/generated
  rm -rf "$fresh" # what another commit generated
  mkdir -p "$fresh"
  go build "${flags[@]}" -o build/kernelgen ./core/kernel/_gen
  (cd "$fresh" && ../kernelgen)
  for file in "$fresh"/*; do
    cmp "$file" "core/kernel/${file##*/}" || die "core/kernel/${file##*/} is not what go generate ./core/kernel writes"
  done
}

check() {
  need_go
  local unformatted
  unformatted=$("$goroot/bin/gofmt" -l ./*.go core sparse adapt wasm cmd tools)
  [[ -z $unformatted ]] || die "not formatted, run gofmt -w on: $unformatted"
  bash -n build.sh
  bash -n .ci/run
  bash -n tools/node.sh
  generated
  go mod tidy -diff
  go vet "${flags[@]}" ./...
  go vet "${flags[@]}" -tags onnx ./cmd/haguruma
  simd go vet "${flags[@]}" ./...
  local -a packages
  mapfile -t packages < <(wasm_packages)
  wasm go vet "${flags[@]}" "${packages[@]}" ./wasm/...
  wasm go vet "${flags[@]}" -tags relaxed ./core/kernel
  wasm go vet "${flags[@]}" -tags browser,relaxed,tune ./core/picture ./core/kernel ./wasm/browser
  need_packages
  npm run --silent check
}

# vet ran in check, over the tests as well
test_plain() { go test "${flags[@]}" -vet=off -timeout 20m ./...; }
test_simd() { simd go test "${flags[@]}" -vet=off -timeout 20m ./...; }

test_wasm() {
  need_go
  need_node
  local -a packages
  mapfile -t packages < <(wasm_packages)
  wasm go test "${flags[@]}" -vet=off -timeout 20m -exec="$goroot/lib/wasm/go_js_wasm_exec" "${packages[@]}" ./wasm/...
  wasm go test "${flags[@]}" -vet=off -tags browser -exec="$goroot/lib/wasm/go_js_wasm_exec" ./core/picture ./wasm/browser
  mkdir -p build
  relaxfix
  relaxed_node
  wasm go test "${flags[@]}" -vet=off -timeout 20m -tags relaxed -exec="$PWD/tools/node.sh ${node_flags[*]}" \
    ./core/kernel ./core/quant ./core/nn ./core/vit ./adapt
}

# Sets the flags with which Node runs relaxed SIMD. Node 20 has it as an
# experiment, right in one of its two compilers only.
relaxed_node() {
  local probe='process.exit(WebAssembly.validate(Buffer.from("AGFzbQEAAAABBQFgAAF7AwIBAAoIAQYAAP2TAgs=", "base64")) ? 0 : 1)'
  node_flags=()
  if node -e "$probe"; then return; fi
  node_flags=(--experimental-wasm-relaxed-simd --no-liftoff)
  node "${node_flags[@]}" -e "$probe" 2>/dev/null || die "node $(node --version) cannot run relaxed SIMD; install Node 20 or later"
}

# The units run the engine that build made.
unit() {
  need_packages
  npm run --silent unit
}

# The same picture gives the same int8 embedding, bit for bit, from the
# terminal (SIMD body and generic body) and from the engine that the page loads.
same_bits() {
  need_go
  need_node
  simd go test "${flags[@]}" -vet=off -count=1 -tags samebits -run TestSameBits ./cmd/haguruma
  go test "${flags[@]}" -vet=off -count=1 -tags samebits -run TestSameBits ./cmd/haguruma
}

# Imported checkpoints embed as onnxruntime does with the weights they were written from.
onnx() {
  need_packages
  need_go
  simd go test "${flags[@]}" -vet=off -count=1 -tags onnx -run 'ONNX$' ./cmd/haguruma
}

# What the benchmark runs beside the page's engine: both forward passes, and the kernels' own benchmarks.
bench_programs() {
  local out=build/bench
  mkdir -p "$out"
  wasm go build "${flags[@]}" -o "$out/forward.wasm" ./wasm/bench
  wasm go build "${flags[@]}" -tags relaxed -o "$out/forward.relaxed.wasm" ./wasm/bench
  wasm go test "${flags[@]}" -vet=off -c -tags relaxed -o "$out/kernel.test.wasm" ./core/kernel
  build/relaxfix "$out/forward.relaxed.wasm"
  build/relaxfix "$out/kernel.test.wasm"
}

# That the benchmark comes to its end and the engines agree; nothing is timed.
bench_quick() {
  need_go
  need_packages
  need_chromium
  bench_programs
  npm run --silent bench -- --quick
}

e2e() {
  need_packages
  need_chromium
  npm run --silent e2e
}

# The Worker in workerd.
edge() {
  need_packages
  need_chromium
  worker
  npm run --silent edge
}

summary=()
failed=0

# stage runs one part of test in a shell of its own and goes on after a
# failure, so that one run shows all that is red.
stage() {
  local name=$1 begin=$SECONDS code=0 line
  shift
  printf '\n== %s\n' "$name"
  set +e
  (
    set -euo pipefail
    "$@"
  )
  code=$?
  set -e
  if ((code == 0)); then
    line="ok    $name, $((SECONDS - begin)) s"
  else
    line="FAIL  $name, $((SECONDS - begin)) s (exit $code)"
    failed=1
  fi
  printf '== %s\n' "$line"
  summary+=("$line")
}

run_tests() {
  need_go
  local begin=$SECONDS
  stage "check" check
  stage "build" build
  stage "go test" test_plain
  stage "go test, SIMD" test_simd
  stage "go test, wasm SIMD in Node" test_wasm
  stage "page units" unit
  stage "native and wasm embeddings agree" same_bits
  stage "imports and onnxruntime agree" onnx
  stage "page in Chromium" e2e
  stage "edge in workerd" edge
  stage "benchmark, quick" bench_quick
  printf '\n== summary, %s s\n' "$((SECONDS - begin))"
  printf '%s\n' "${summary[@]}"
  ((failed == 0)) || die "something above is red"
}

fuzz() {
  need_go
  local file target
  while IFS=: read -r file target; do
    printf '== %s %s\n' "$(dirname "$file")" "$target"
    simd go test "${flags[@]}" -vet=off -run '^$' -fuzz "^$target\$" -fuzztime "${1:-20000x}" "./$(dirname "$file")"
  done < <(grep -rHo --include='*_test.go' -E '^func Fuzz[A-Za-z0-9_]+' core sparse adapt wasm cmd tools | sed 's/:func /:/' | sort)
}

# dist packs what build made. The same commit gives the same bytes: sorted
# names, no times, no owners, no build ids.
dist() {
  build
  local tar=tar platform
  if ! $tar --version 2>/dev/null | grep -q GNU; then
    tar=gtar
    command -v gtar >/dev/null || die "dist needs GNU tar (macOS: brew install gnu-tar)"
  fi
  platform=$(go env GOOS)-$(go env GOARCH)
  rm -rf dist
  mkdir dist
  pack() { "$tar" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode='u+rw,go+r-w,a+X' "$@"; }
  pack --exclude=www/test -cf - www | gzip -9n >dist/haguruma-www.tar.gz
  pack -cf - -C build haguruma | gzip -9n >"dist/haguruma-$platform.tar.gz"
  (cd dist && sha256_list ./*.tar.gz >SHA256SUMS)
  cat dist/SHA256SUMS
}

package() {
  build
  need_node
  node tools/package.mjs dist/package "$goroot/LICENSE"
  npm pack --silent --pack-destination dist ./dist/package
}

# sha256sum where there is one, else shasum (macOS); same output.
sha256_list() {
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

verb=${1:-help}
(($# == 0)) || shift
case $verb in
  run) run "$@" ;;
  build) build ;;
  check) check ;;
  test) run_tests ;;
  test-wasm) test_wasm ;;
  e2e)
    build
    e2e
    ;;
  worker)
    build
    worker
    ;;
  worker-dev)
    need_packages
    build
    worker
    exec node edge/dev.mjs
    ;;
  bench)
    need_packages
    need_chromium
    build
    bench_programs
    npm run --silent bench -- "$@"
    ;;
  fuzz) fuzz "$@" ;;
  dist) dist ;;
  package) package ;;
  help | -h | --help) usage ;;
  *)
    usage >&2
    printf 'build.sh: no verb %s\n' "$verb" >&2
    exit 2
    ;;
esac
