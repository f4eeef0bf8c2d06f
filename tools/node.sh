#!/usr/bin/env bash
# go test -exec for GOOS=js: corrects the relaxed-SIMD opcodes of the test
# binary, if it has any, and runs it in Node. ./build.sh makes build/relaxfix
# and says which Node flags it takes.
#
#   node.sh [NODE_FLAG]... MODULE [ARGUMENT]...
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
flags=()
while [[ ${1:-} == -* ]]; do
  flags+=("$1")
  shift
done
"$root/build/relaxfix" "$1"
# The default stack of 984 KB is too small for some tests, as in Go's own go_js_wasm_exec.
exec node "${flags[@]}" --stack-size=8192 "$(go env GOROOT)/lib/wasm/wasm_exec_node.js" "$@"
