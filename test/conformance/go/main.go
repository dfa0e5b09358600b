// Command judge lets Go's own stacks speak about what mtlsd issues: crypto/x509, crypto/tls, go-oidc and go-spiffe.
//
//	judge verify              requests on stdin, one JSON object a line; one answer a line
//	judge tokens              the same, about JWT-SVIDs
//	judge bundle TD FILE      reads a SPIFFE bundle document of one trust domain
//	judge serve FOLDER PEER   a mutual TLS server that admits the SPIFFE ID PEER alone
//	judge dial FOLDER         a mutual TLS client: one handshake for each line on stdin
//
// FOLDER is what mtlsd writes for one identity. It is read again for every handshake, as a service must that
// wants to follow renewals without a restart.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/coreos/go-oidc/v3/oidc"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "verify":
		return eachLine(verify)
	case len(args) == 1 && args[0] == "tokens":
		return eachLine((&tokens{map[string]*oidc.Provider{}}).verify)
	case len(args) == 3 && args[0] == "bundle":
		return say(readBundle(args[1], args[2]))
	case len(args) == 3 && args[0] == "serve":
		return serve(args[1], args[2])
	case len(args) == 2 && args[0] == "dial":
		return eachLine(func(request dialRequest) outcome { return dial(args[1], request) })
	}
	return fmt.Errorf("usage: judge verify | tokens | bundle TD FILE | serve FOLDER PEER | dial FOLDER")
}

// eachLine answers every JSON line on stdin with one JSON line on stdout.
func eachLine[Request any, Answer any](answer func(Request) Answer) error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var request Request
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			return err
		}
		if err := say(answer(request)); err != nil {
			return err
		}
	}
	return lines.Err()
}

func say(value any) error {
	return json.NewEncoder(os.Stdout).Encode(value)
}

// outcome is the answer of one judge, or of one end of a handshake.
type outcome struct {
	OK       bool   `json:"ok"`
	Reason   string `json:"reason,omitempty"`
	SpiffeID string `json:"spiffeId,omitempty"`
	Serial   string `json:"serial,omitempty"`
	Protocol string `json:"protocol,omitempty"`
}

func refused(err error) outcome {
	return outcome{Reason: err.Error()}
}
