#!/usr/bin/env bash
# Looks for known vulnerabilities in what we depend on. A database that cannot
# be reached is said to be "not checked", and is not a failure; a finding is.
set -u
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
found=0

for module in . infra; do
  if (cd "$module" && go run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./...) >"$log" 2>&1; then
    echo "govulncheck $module: nothing known"
  elif grep -q '^Vulnerability #' "$log"; then
    cat "$log"
    found=1
  else
    echo "govulncheck $module: not checked: $(grep -v '^exit status' "$log" | tail -n 1)"
  fi
done

for package in web infra internal/localcloud/dynamo/node; do
  npm --prefix "$package" audit --json >"$log" 2>/dev/null
  node -e '
    const [name, file] = process.argv.slice(1);
    let answer = {};
    try { answer = JSON.parse(require("fs").readFileSync(file, "utf8")); } catch { /* no answer at all */ }
    const known = answer.metadata?.vulnerabilities;
    if (known) {
      console.log("npm audit " + name + ": " + known.total + " known");
      for (const [dependency, v] of Object.entries(answer.vulnerabilities ?? {})) console.log("  " + v.severity + " " + dependency);
      process.exit(known.total ? 1 : 0);
    }
    const why = answer.message ?? answer.error?.summary ?? "no answer";
    console.log("npm audit " + name + ": not checked: " + why.split("\n")[0]);
  ' "$package" "$log" || found=1
done
exit $found
