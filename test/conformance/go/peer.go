package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

const handshakeTimeout = 10 * time.Second

// identity is one generation of an identity's folder.
type identity struct {
	svid *x509svid.SVID
	// Each trust domain is trusted by its own roots alone: the name travels along.
	bundle *x509bundle.Set
}

// readIdentity resolves ..data once, so that key, certificate and roots are of one generation. A generation that is
// replaced while it is read is gone at once: then the next one is there.
func readIdentity(folder string) (identity, error) {
	var result identity
	var err error
	for range 5 {
		if result, err = readGeneration(folder); !errors.Is(err, fs.ErrNotExist) {
			return result, err
		}
	}
	return result, err
}

func readGeneration(folder string) (identity, error) {
	generation, err := filepath.EvalSymlinks(filepath.Join(folder, "..data"))
	if err != nil {
		return identity{}, err
	}
	credentials, err := os.ReadFile(filepath.Join(generation, "credential-bundle.pem"))
	if err != nil {
		return identity{}, err
	}
	roots, err := os.ReadFile(filepath.Join(generation, "ca.crt"))
	if err != nil {
		return identity{}, err
	}
	svid, err := x509svid.Parse(credentials, credentials)
	if err != nil {
		return identity{}, err
	}
	bundle, err := x509bundle.Parse(svid.ID.TrustDomain(), roots)
	if err != nil {
		return identity{}, err
	}
	set := x509bundle.NewSet(bundle)
	files, err := filepath.Glob(filepath.Join(generation, "federated.*.crt"))
	if err != nil {
		return identity{}, err
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "federated."), ".crt")
		trustDomain, err := spiffeid.TrustDomainFromString(name)
		if err != nil {
			return identity{}, err
		}
		federated, err := x509bundle.Load(trustDomain, file)
		if err != nil {
			return identity{}, err
		}
		set.Add(federated)
	}
	return identity{svid, set}, nil
}

func serve(folder, peer string) error {
	id, err := spiffeid.FromString(peer)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := say(map[string]int{"port": listener.Addr().(*net.TCPAddr).Port}); err != nil {
		return err
	}
	go func() { // The test ends this process by closing its stdin.
		_, _ = bufio.NewReader(os.Stdin).ReadString(0)
		os.Exit(0)
	}()
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		if err := say(answerOne(connection, folder, id)); err != nil {
			return err
		}
	}
}

// answerOne shakes hands and sends the line that it gets back reversed.
func answerOne(connection net.Conn, folder string, peer spiffeid.ID) outcome {
	defer connection.Close()
	own, err := readIdentity(folder)
	if err != nil {
		return refused(err)
	}
	config := tlsconfig.MTLSServerConfig(own.svid, own.bundle, tlsconfig.AuthorizeID(peer))
	secure := tls.Server(connection, config)
	if err := handshake(secure); err != nil {
		return refused(err)
	}
	line, err := bufio.NewReader(secure).ReadString('\n')
	if err != nil {
		return refused(err)
	}
	if _, err := fmt.Fprintln(secure, reversed(strings.TrimSuffix(line, "\n"))); err != nil {
		return refused(err)
	}
	_ = secure.Close()
	return seen(secure)
}

type dialRequest struct {
	Port int
	// Peer is the SPIFFE ID that the server must have.
	Peer string
	// TLS is "1.2" or "1.3": the only version that is offered.
	TLS string
}

func dial(folder string, request dialRequest) outcome {
	id, err := spiffeid.FromString(request.Peer)
	if err != nil {
		return refused(err)
	}
	own, err := readIdentity(folder)
	if err != nil {
		return refused(err)
	}
	config := tlsconfig.MTLSClientConfig(own.svid, own.bundle, tlsconfig.AuthorizeID(id))
	version := map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[request.TLS]
	config.MinVersion, config.MaxVersion = version, version
	connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", request.Port))
	if err != nil {
		return refused(err)
	}
	secure := tls.Client(connection, config)
	defer secure.Close()
	if err := handshake(secure); err != nil {
		return refused(err)
	}
	return converse(secure)
}

// converse sends a line and waits for it to come back reversed: in TLS 1.3 only an answer shows that the server has
// accepted the client's certificate.
func converse(secure *tls.Conn) outcome {
	if _, err := fmt.Fprintln(secure, "ping"); err != nil {
		return refused(err)
	}
	line, err := bufio.NewReader(secure).ReadString('\n')
	if err != nil {
		return refused(err)
	}
	if line != "gnip\n" {
		return refused(fmt.Errorf("the server answered %q", line))
	}
	return seen(secure)
}

func handshake(secure *tls.Conn) error {
	deadline := time.Now().Add(handshakeTimeout)
	if err := secure.SetDeadline(deadline); err != nil {
		return err
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	return secure.HandshakeContext(ctx)
}

func seen(secure *tls.Conn) outcome {
	state := secure.ConnectionState()
	leaf := state.PeerCertificates[0]
	return outcome{OK: true, SpiffeID: uri(leaf), Serial: fmt.Sprintf("%x", leaf.SerialNumber), Protocol: strings.Replace(tls.VersionName(state.Version), "TLS ", "TLSv", 1)}
}

func uri(leaf *x509.Certificate) string {
	if len(leaf.URIs) != 1 {
		return ""
	}
	return leaf.URIs[0].String()
}

func reversed(line string) string {
	characters := bytes.Clone([]byte(line))
	slices.Reverse(characters)
	return string(characters)
}
