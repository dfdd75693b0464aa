#!/usr/bin/env bash
# examples/tune.py, alone in an empty home, on a running cluster, through `ray job submit`: twice.
#
#     tests/cluster/job_submit.sh [PYTHON]      about five minutes
#
# raystudy is installed as a wheel that is built from the sdist; the checkout is on no path.  Ends with PASS.
set -euo pipefail
checkout=$(cd "$(dirname "$0")/../.." && pwd)
python=${1:-python3}
bed=$(mktemp -d)
head_pid=""
clean_up() {
    if [ -n "$head_pid" ]; then kill -- "-$head_pid" 2>/dev/null || true; fi
    rm -rf "$bed"
}
trap clean_up EXIT

"$python" -m venv "$bed/venv"
"$bed/venv/bin/pip" install -q build "setuptools>=77"
git -C "$checkout" archive --prefix=source/ HEAD | tar -x -C "$bed"
(cd "$bed/source" && "$bed/venv/bin/python" -m build --no-isolation >"$bed/build.log")   # sdist, then wheel from it
wheel=$(ls "$bed"/source/dist/*.whl)
"$bed/venv/bin/pip" install -q -c "$checkout/constraints.txt" "$wheel[examples]"
mkdir "$bed/home" "$bed/app"
cp "$checkout/examples/tune.py" "$bed/app/"
rm -rf "$bed/source"

export HOME="$bed/home" PATH="$bed/venv/bin:$PATH" RAY_USAGE_STATS_ENABLED=0 RAY_AUTH_MODE=disabled
unset RAY_ADDRESS PYTHONPATH
cd "$HOME"
setsid ray start --head --block --num-cpus=2 --port=26379 --dashboard-port=28265 --dashboard-agent-listen-port=28266 \
    --temp-dir="$bed/ray" --object-store-memory=150000000 >"$bed/head.log" 2>&1 &
head_pid=$!
address=http://127.0.0.1:28265
for _ in $(seq 60); do
    if ray job submit --address "$address" -- true >/dev/null 2>&1; then break; fi
    sleep 2
done

submit() { ray job submit --address "$address" --working-dir "$bed/app" -- \
    python tune.py --epochs 9 --storage "sqlite:///$HOME/study.db" "$@"; }
submit --n-trials 10 | tee "$bed/first.log"
grep -q "best PR-AUC" "$bed/first.log"
submit --n-trials 16 --resume | tee "$bed/second.log"
grep -q "best PR-AUC" "$bed/second.log"
python - <<EOF
import raystudy
study = raystudy.load_study(study_name=None, storage="sqlite:///$HOME/study.db")
assert "site-packages" in raystudy.__file__, raystudy.__file__
assert [t.number for t in study.trials] == list(range(16)), study.trials
assert all(t.state.is_finished() for t in study.trials)
EOF
echo PASS
