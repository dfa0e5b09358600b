package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

// handshakeTimeout is generous: a machine that is busy is not a peer that refuses.
const handshakeTimeout = 30 * time.Second

// snapshot is what a workload has loaded: all of it from one delivery.
type snapshot struct {
	svid   *x509svid.SVID
	bundle *x509bundle.Bundle
	// leafRoot names the root that the leaf chains to; roots those of the bundle. Key identifiers, shortened.
	leafRoot string
	roots    []string
}

type workload struct {
	workloadSettings
	folder, trustDomain string
	listener            net.Listener
	tally               *tally
	current             atomic.Pointer[snapshot]
	loaded              string    // the delivery that is loaded
	seen                string    // the newest delivery that was noticed
	seenAt              time.Time // when
}

// look notices a delivery, and loads it when its time has come.
func (w *workload) look(now time.Time) {
	generation, err := os.Readlink(w.folder + "/..data")
	if err != nil {
		fail(err)
	}
	if generation != w.seen {
		// A consumer that is about to reload loads the newest at its time, and the delay of the newest does not put that off.
		if w.seen == w.loaded {
			w.seenAt = now
		}
		w.seen = generation
	}
	if w.seen == w.loaded || now.Sub(w.seenAt) < time.Duration(w.ReloadMs)*time.Millisecond {
		return
	}
	w.tally.reloaded(w.Name, now.Sub(w.seenAt))
	if err := w.load(); err != nil {
		fail(err)
	}
}

// load takes what is delivered at this moment.
func (w *workload) load() error {
	for tries := 0; ; tries++ {
		generation, err := os.Readlink(w.folder + "/..data")
		if err == nil {
			var next *snapshot
			if next, err = readGeneration(filepath.Join(w.folder, generation), w.trustDomain); err == nil {
				w.loaded, w.seen = generation, generation
				w.current.Store(next)
				return nil
			}
		}
		if !errors.Is(err, fs.ErrNotExist) || tries == 20 {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
	}
}

func readGeneration(folder, trustDomain string) (*snapshot, error) {
	credentials, err := os.ReadFile(filepath.Join(folder, "credential-bundle.pem"))
	if err != nil {
		return nil, err
	}
	anchors, err := os.ReadFile(filepath.Join(folder, "ca.crt"))
	if err != nil {
		return nil, err
	}
	svid, err := x509svid.Parse(credentials, credentials)
	if err != nil {
		return nil, err
	}
	bundle, err := x509bundle.Parse(spiffeid.RequireTrustDomainFromString(trustDomain), anchors)
	if err != nil {
		return nil, err
	}
	last := svid.Certificates[len(svid.Certificates)-1]
	result := &snapshot{svid: svid, bundle: bundle, leafRoot: short(last.AuthorityKeyId)}
	for _, root := range bundle.X509Authorities() {
		result.roots = append(result.roots, short(root.SubjectKeyId))
	}
	slices.Sort(result.roots)
	return result, nil
}

func short(keyIdentifier []byte) string {
	text := hex.EncodeToString(keyIdentifier)
	return text[:min(8, len(text))]
}

func rootOf(chain []*x509.Certificate) string {
	return short(chain[len(chain)-1].AuthorityKeyId)
}

func (w *workload) id(name string) spiffeid.ID {
	return spiffeid.RequireFromString("spiffe://" + w.trustDomain + "/ns/live/sa/" + name)
}

// serve admits any workload of the fleet, and tells it so by sending its line back reversed.
func (w *workload) serve() {
	for {
		connection, err := w.listener.Accept()
		if err != nil {
			return
		}
		go w.answer(connection)
	}
}

func (w *workload) answer(connection net.Conn) {
	defer connection.Close()
	own := w.current.Load()
	member := tlsconfig.AuthorizeMemberOf(own.svid.ID.TrustDomain())
	secure := tls.Server(connection, tlsconfig.MTLSServerConfig(own.svid, own.bundle, member))
	_ = secure.SetDeadline(time.Now().Add(handshakeTimeout))
	if err := secure.Handshake(); err != nil {
		w.tally.refused(refusal{Server: w.Name, Reason: err.Error(), LeafRoot: own.leafRoot, Roots: own.roots})
		return
	}
	line, err := bufio.NewReader(secure).ReadBytes('\n')
	if err != nil {
		return // The client has a reason of its own, and tells it.
	}
	// A peer of the fleet says its name, and the certificate must bear it; others say "ping".
	name := string(bytes.TrimSuffix(line, []byte{'\n'}))
	if peer := secure.ConnectionState().PeerCertificates[0].URIs[0].String(); name != "ping" && peer != w.id(name).String() {
		w.tally.refused(refusal{Server: w.Name, Reason: "a peer calls itself " + name + " and is " + peer, LeafRoot: own.leafRoot, Roots: own.roots})
		return
	}
	reply := []byte(name)
	slices.Reverse(reply)
	_, _ = secure.Write(append(reply, '\n'))
	_ = secure.Close()
}

// dial makes one handshake and counts it.
func (w *workload) dial(server string, port int) {
	own := w.current.Load()
	peerRoot, err := w.converse(own, server, port)
	if err != nil {
		w.tally.refused(refusal{Client: w.Name, Server: server, Reason: err.Error(), LeafRoot: own.leafRoot, Roots: own.roots})
		return
	}
	w.tally.shook(own.leafRoot != peerRoot)
}

func (w *workload) converse(own *snapshot, server string, port int) (string, error) {
	connection, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), handshakeTimeout)
	if err != nil {
		return "", err
	}
	secure := tls.Client(connection, tlsconfig.MTLSClientConfig(own.svid, own.bundle, tlsconfig.AuthorizeID(w.id(server))))
	defer secure.Close()
	_ = secure.SetDeadline(time.Now().Add(handshakeTimeout))
	if _, err := fmt.Fprintln(secure, w.Name); err != nil {
		return "", err
	}
	// In TLS 1.3 only an answer shows that the server has accepted the client's certificate.
	line, err := bufio.NewReader(secure).ReadString('\n')
	if err != nil {
		return "", err
	}
	wanted := []byte(w.Name)
	slices.Reverse(wanted)
	if line != string(wanted)+"\n" {
		return "", fmt.Errorf("the server answered %q", line)
	}
	return rootOf(secure.ConnectionState().PeerCertificates), nil
}
