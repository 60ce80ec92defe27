#!/bin/sh
# What the verbs about scenarios print and how they end. usage: verbs.sh IKELAB
set -u
ikelab=$1
failed=0

# expect CODE STREAM WORDS ARGUMENTS...: the verb ends with CODE and says WORDS on STREAM.
expect() {
    code=$1 stream=$2 words=$3
    shift 3
    if [ "$stream" = out ]; then
        said=$("$ikelab" "$@" 2>/dev/null)
    else
        said=$("$ikelab" "$@" 2>&1 >/dev/null)
    fi
    got=$?
    case $said in
    *"$words"*) ;;
    *)
        echo "ikelab $*: '$words' is not in: $said"
        failed=1
        ;;
    esac
    if [ "$got" != "$code" ]; then
        echo "ikelab $*: exit $got, expected $code"
        failed=1
    fi
}

scenario=scenarios/road-warriors.yaml
expect 0 out 'usage: ikelab VERB' --help
expect 0 out 'ikelab 0' --version
expect 0 out 'ESP by ' --version
expect 0 out 'X25519 of simulated peers by ' --version
expect 2 err 'no verb given'
expect 2 err 'try: ikelab lint' lnit "$scenario"
expect 2 err 'no scenario file given' lint
expect 2 err 'try: ikelab list' lint scenarios/no-such-file.yaml
expect 2 err 'unrecognized option' lint --sett "$scenario"
expect 0 out 'good: road-warriors, 2002 nodes' lint "$scenario"
expect 0 out 'good' lint --set traffic={} --set thresholds={} --seed 7 "$scenario"
expect 2 err '--set seed: error:' lint --seed many "$scenario"
expect 2 err "--set links.core.dealy: error: unknown key 'dealy'" lint --set links.core.dealy=1ms "$scenario"
expect 2 err '--set links.core.delay: error:' lint --set links.core.delay=5 "$scenario"
expect 2 err "there is no item" lint --set 'events.3.at=5s' "$scenario"
expect 0 out 'good' lint --set 'events.0.at=5s' --set links.core.loss.gemodel.p=1% "$scenario"
expect 0 out 'good' lint --set 'thresholds.ike.failed=["<=3"]' "$scenario"
expect 2 err 'KEY=VALUE' lint --set crypto "$scenario"
expect 2 err '--set x: error:' lint --set 'x=[' "$scenario"
expect 0 out 'Gilbert-Elliott' explain links.core.loss.gemodel
expect 0 out 'netem delay 20ms 5ms' explain jitter
expect 0 out 'default       4h' explain nodes.homes.ike.rekey_time
expect 2 err 'try: ikelab explain retransmit_base' explain retransmit_bas
expect 0 out 'gw[0]  198.51.100.1' explain "$scenario"
expect 0 out '192.168.0.2 (private)' explain "$scenario"
expect 0 out 'expected loss 1.9608%' explain "$scenario"
expect 0 err "warning: link 'core' is offered" explain --set links.core.rate=10Mbit "$scenario"
expect 0 out 'situation 4: A title' explain tests/scenarios/lesson.yaml
expect 0 out 'other half: edges.yaml' explain tests/scenarios/lesson.yaml
expect 0 out 'question 1: When? Look at: nat. At: 70s.' explain tests/scenarios/lesson.yaml
expect 0 out 'takes         chart, nat, sa' explain lesson.questions.0.look
expect 2 err 'the run ends at 1min' lint --set stop_time=60s tests/scenarios/lesson.yaml
expect 0 out 'ikelab: 1' import tests/scenarios/import/site-to-site.conf
expect 0 err '1 connection, 31 settings carried over' import tests/scenarios/import/site-to-site.conf
expect 2 err 'no swanctl.conf given' import
expect 2 err '1 to 20000' import --clients 0 tests/scenarios/import/site-to-site.conf
expect 0 out 'A thousand road warriors' list
expect 0 out 'good' explore delete-delete --faults 0
expect 0 out '"verdict": "good"' explore delete-delete --faults 0 --json
expect 3 out 'I6 violated after 10 steps' explore ike-ike --seeds 1 --plant keep-loser
expect 3 out '"chart": "' explore ike-ike --seeds 1 --plant keep-loser --json
expect 4 out 'not finished' explore child-child --states 50
expect 2 err 'try: ikelab explore --help' explore child-chidl
expect 2 err 'no family given' explore
expect 2 err '0 to 3' explore child-child --faults 4
expect 2 err 'try: --set nodes.sites.count=1' explore scenarios/rekey-under-loss.yaml
expect 2 err 'none is given' explore child-child --set seed=2
expect 2 err 'one scenario at a time' explore "$scenario" "$scenario"
expect 0 out 'ikelab explore mine.yaml' explore --help
expect 0 out 'HDR, N(COOKIE)' dissect --summary --hex '0102030405060708 00000000000000002920220800000000 00000028 0000000c 00004006c00cc00c'
expect 0 out '"schema_version":1' dissect --json --hex 0102030405060708
expect 0 out 'ERROR: input ends before the field does (ERR_TRUNCATED)' dissect --hex 0102030405060708
expect 0 err '1 frame: 1 ESP' dissect --esp --hex '12345678 00000001'
expect 2 err 'no capture given' dissect
expect 2 err 'try: ikelab dissect --help' dissect no-such-file.pcap
expect 1 err 'try: a file in pcap or pcapng' dissect "$ikelab"

# What a live run is told; nothing is sent, the words are judged first.
psk=$(mktemp)
trap 'rm -f "$psk"' EXIT
echo 'worth nothing' >"$psk"
load() { # load WORDS ARGUMENTS...: an initiator is refused with WORDS and exit 2
    words=$1
    shift
    expect 2 err "$words" live initiate --local 127.0.0.1 --remote 127.0.0.1 --local-id a.test \
        --psk-file "$psk" "$@"
}
inside() { # the same with a load that is in order so far
    words=$1
    shift
    load "$words" --ts-local 10.1.0.0/24 --ts-remote 10.2.0.0/24 --load 10.2.0.1 "$@"
}
load "'10.2.0' is not an IPv4 or IPv6 address" --load 10.2.0
load 'try: --load-from ADDR, or --ts-local NET' --load 10.2.0.1
load 'from one family of addresses to the other' --ts-local 10.1.0.0/24 --load fd00::1
inside 'try: a --load-from that lies in it' --load-from 10.3.0.1
inside 'try: a --ts-remote that contains it' --load 10.3.0.1
inside '--load and --tun exclude each other' --tun ikelab0
inside '--load-window and --load-rate exclude each other' --load-window 8 --load-rate 100
load '--load-rate without --load' --load-rate 100
inside 'not a number above 0 and up to 200000' --load-rate 200001
inside 'not a number from 1 to 65536' --load-window 0
inside 'try: --load-size 64' --load-size 63
inside 'not a number from 1 to 9000' --load-size 9001
inside 'not a number from 1 to 9000' --load-size imax
inside 'not a number above 0 and up to 86400' --load-for 1e6
inside 'not a number above 0 and up to 10' --load-wait 11
load 'unrecognized option' --echo
expect 2 err 'unrecognized option' live respond --local 127.0.0.1 --load 10.2.0.1
expect 2 err '--echo and --tun exclude each other' live respond --local 127.0.0.1 --local-id a.test \
    --psk-file "$psk" --echo --tun ikelab0
expect 2 err 'try: ikelab list DIR' list no-such-folder

sweep=tests/scenarios/sweep.yaml
expect 0 out 'a sweep of 18 runs' lint "$sweep"
expect 0 out 'sweep: 18 runs, 6 cells x 3 seeds' explain "$sweep"
expect 0 out 'reports esp.delivered_ratio@talk' explain "$sweep"
expect 0 out 'do not decide its exit code' explain --set sweep.thresholds=ignore "$sweep"
expect 2 err "judge" lint --set sweep.thresholds=sometimes "$sweep"
expect 0 out 'a sweep of 12 runs' lint --set 'sweep.axes.ike.retransmit_timeout=[1s, 2s]' --set sweep.repeat=2 "$sweep"
expect 2 err "distribution' but no 'jitter" lint --set 'sweep.axes.links.core.distribution=[normal]' "$sweep"
expect 2 err 'which scenario?' sweep
expect 2 err 'one scenario at a time' sweep "$sweep" "$sweep"
expect 2 err "has no 'sweep'" sweep scenarios/handshake-lan.yaml
expect 2 err 'a number from 1 to 1024' sweep -j 0 "$sweep"
expect 2 err 'a number from 1 to 1024' sweep -j many "$sweep"
expect 2 err "'seed' is no axis" sweep --set 'sweep.axes.seed=[1, 2]' "$sweep"
expect 2 err "which sets it" sweep --set links.core.loss.random=1% "$sweep"
expect 2 err 'the last seed would be too large' sweep --seed 9223372036854775807 "$sweep"
expect 0 out 'goes on' sweep --help
expect 0 out '--numbers-only' run --help
expect 2 err 'Too many arguments' doctor now

if ! "$ikelab" explain --all | cmp -s - docs/scenario-format.md; then
    echo "docs/scenario-format.md is stale: ikelab explain --all > docs/scenario-format.md"
    failed=1
fi
if "$ikelab" schema >/dev/full 2>/dev/null; then
    echo "ikelab schema: a full disk went unnoticed"
    failed=1
fi
exit $failed
