// A peer of the mesh: serves mutual TLS with the identity that its pod was given, calls every other peer again and again,
// and counts what it sees. `peer check` judges the files once and ends: with 0 only if they are a valid pair right now.
package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	tlsPort   = "8443"
	statsPort = "8080"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "check" {
		check()
		return
	}
	peer := &Peer{folder: folder(), stats: Stats{Kind: "go", Serials: []string{}, Torn: []string{}, Failed: []string{}, Refused: []string{}}}
	if peer.folder == "" {
		peer.stranger()
	} else {
		peer.watch()
	}
	go peer.serve(listen(peer))
	go peer.callForEver()
	http.HandleFunc("PUT /peers", peer.setPeers)
	http.HandleFunc("GET /stats", peer.tell)
	fail(http.ListenAndServe(":"+statsPort, nil))
}

// check is what the pods that come and go run: as their first deed, before anything could repair what they were given.
func check() {
	pair, err := read(folder())
	if err == nil {
		_, err = verify(pair.chain(), pair.roots, spiffeIDOf(pair.certificate.Leaf))
	}
	if err != nil {
		fail(err)
	}
	fmt.Println(spiffeIDOf(pair.certificate.Leaf))
}

// folder is where injection says that the files are; none in a pod without the label.
func folder() string {
	file := os.Getenv("MTLSD_CERTIFICATE_FILE")
	return strings.TrimSuffix(strings.TrimSuffix(file, "tls.crt"), "/")
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Target is another peer, as the test tells it.
type Target struct {
	Name     string `json:"name"`
	Address  string `json:"address"`
	SpiffeID string `json:"spiffeId"`
}

func (p *Peer) setPeers(_ http.ResponseWriter, request *http.Request) {
	var targets []Target
	if err := json.NewDecoder(request.Body).Decode(&targets); err != nil {
		panic(err)
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.targets = targets
	p.stats.RoundsSincePeers = 0
}

func (p *Peer) tell(response http.ResponseWriter, _ *http.Request) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	response.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(response).Encode(p.stats)
}

// callForEver makes one handshake with each peer a round. A peer that leaves the list during a round is not called in it.
func (p *Peer) callForEver() {
	for {
		p.mutex.Lock()
		targets := p.targets
		p.mutex.Unlock()
		for _, target := range targets {
			if p.knows(target) {
				err := p.call(target)
				p.count(target, err)
			}
		}
		p.mutex.Lock()
		p.stats.Rounds++
		p.stats.RoundsSincePeers++
		p.mutex.Unlock()
		time.Sleep(2 * time.Second)
	}
}

func (p *Peer) call(target Target) error {
	dialer := tls.Dialer{Config: p.clientConfig(target.SpiffeID)}
	dialer.NetDialer = &netDialer
	connection, err := dialer.Dial("tcp", target.Address+":"+tlsPort)
	if err != nil {
		return err
	}
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
	// A server's refusal of our certificate comes with the first bytes that are read, after the handshake.
	answer := make([]byte, 256)
	count, err := connection.Read(answer)
	if err != nil {
		return err
	}
	if seen := strings.TrimSpace(string(answer[:count])); seen != p.ownID() {
		return fmt.Errorf("%s took us for %q, not %q", target.Name, seen, p.ownID())
	}
	return nil
}
