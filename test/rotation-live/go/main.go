// Command fleet is many workloads in one process, and the kubelet that brings them their files.
//
// It is asked one JSON object a line on stdin and answers each with one line on stdout:
//
//	{"do":"start", "trustDomain":…, "workloads":[…], …}   → {"ports":{"w1":40001,…}} when all of them serve
//	{"do":"shake", "peers":{"w1":40001,…}, "perSecond":60} → {}; from now on handshakes between random pairs
//	{"do":"report"}                                        → counts since the last report, and every failure
//	{"do":"hold", "names":["w1",…]}                        → {}; nothing is delivered to these any more
//	{"do":"release", "names":["w1",…]}                     → {}; what was held back is delivered now
//
// A workload verifies its peer with the bundle that was delivered to it and that it has loaded, never with a newer one.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

type request struct {
	Do string
	settings
	Peers     map[string]int
	PerSecond float64
	Names     []string
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<22)
	var fleet *fleet
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fail(err)
		}
		var answer any = struct{}{}
		switch asked.Do {
		case "start":
			started, err := startFleet(asked.settings)
			if err != nil {
				fail(err)
			}
			fleet = started
			answer = map[string]any{"ports": fleet.ports()}
		case "shake":
			fleet.shake(asked.Peers, asked.PerSecond)
		case "report":
			answer = fleet.tally.take(fleet)
		case "hold", "release":
			fleet.kubelet.hold(asked.Names, asked.Do == "hold")
		default:
			fail(fmt.Errorf("nothing is known of %q", asked.Do))
		}
		if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
			fail(err)
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "fleet:", err)
	os.Exit(1)
}
