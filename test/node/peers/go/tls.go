package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"
)

var netDialer = net.Dialer{Timeout: 10 * time.Second}

// Stats is what /stats answers.
type Stats struct {
	Kind             string   `json:"kind"`
	SpiffeID         string   `json:"spiffeId"`
	NotAfter         string   `json:"notAfter"`
	Serials          []string `json:"serials"`
	Readings         int      `json:"readings"`
	Torn             []string `json:"torn"`
	Rounds           int      `json:"rounds"`
	RoundsSincePeers int      `json:"roundsSincePeers"`
	Called           int      `json:"called"`
	Failed           []string `json:"failed"`
	Served           int      `json:"served"`
	Refused          []string `json:"refused"`
}

// Peer is one process. Everything below the mutex changes while it runs.
type Peer struct {
	folder string

	mutex   sync.Mutex
	pair    *Pair
	targets []Target
	stats   Stats
}

func (p *Peer) current() *Pair {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.pair
}

func (p *Peer) ownID() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.stats.SpiffeID
}

func (p *Peer) knows(target Target) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, known := range p.targets {
		if known == target {
			return true
		}
	}
	return false
}

// count leaves out what happened with a peer that has left the list meanwhile.
func (p *Peer) count(target Target, err error) {
	if !p.knows(target) {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.stats.Called++
	if err != nil && len(p.stats.Failed) < 100 {
		p.stats.Failed = append(p.stats.Failed, fmt.Sprintf("%s: %s: %v", time.Now().UTC().Format(time.RFC3339), target.Name, err))
	}
}

func listen(p *Peer) net.Listener {
	config := &tls.Config{
		MinVersion:             tls.VersionTLS13,
		ClientAuth:             tls.RequireAnyClientCert,
		SessionTicketsDisabled: true,
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &p.current().certificate, nil },
		VerifyConnection: func(state tls.ConnectionState) error {
			roots := p.current().roots
			if roots == nil {
				return errors.New("a stranger has no roots")
			}
			_, err := verify(state.PeerCertificates, roots, "")
			return err
		},
	}
	listener, err := tls.Listen("tcp", ":"+tlsPort, config)
	if err != nil {
		fail(err)
	}
	return listener
}

func (p *Peer) serve(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			fail(err)
		}
		go p.answer(connection.(*tls.Conn))
	}
}

func (p *Peer) answer(connection *tls.Conn) {
	defer connection.Close()
	_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
	err := connection.Handshake()
	if err == nil {
		_, err = fmt.Fprintln(connection, spiffeIDOf(connection.ConnectionState().PeerCertificates[0]))
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if err == nil {
		p.stats.Served++
	} else if len(p.stats.Refused) < 100 {
		p.stats.Refused = append(p.stats.Refused, err.Error())
	}
}

func (p *Peer) clientConfig(wanted string) *tls.Config {
	pair := p.current()
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		// The names of the server are SPIFFE's, not DNS's: VerifyConnection judges all of it.
		InsecureSkipVerify:   true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair.certificate, nil },
		VerifyConnection: func(state tls.ConnectionState) error {
			if pair.roots == nil {
				return nil
			}
			_, err := verify(state.PeerCertificates, pair.roots, wanted)
			return err
		},
	}
}

// verify judges a chain now. wanted may be empty: any SPIFFE ID of our roots' trust domain then.
func verify(chain []*x509.Certificate, roots *x509.CertPool, wanted string) (string, error) {
	intermediates := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		intermediates.AddCert(certificate)
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	if _, err := chain[0].Verify(options); err != nil {
		return "", err
	}
	id := spiffeIDOf(chain[0])
	if !strings.HasPrefix(id, "spiffe://") {
		return "", errors.New("the certificate has no SPIFFE ID")
	}
	if wanted != "" && id != wanted {
		return "", fmt.Errorf("it is %s, not %s", id, wanted)
	}
	return id, nil
}

func spiffeIDOf(leaf *x509.Certificate) string {
	if len(leaf.URIs) != 1 {
		return ""
	}
	return leaf.URIs[0].String()
}

// stranger makes what a pod without an identity can make: a certificate that says what it likes. It believes any server, so
// that nobody but the other side keeps it out.
func (p *Peer) stranger() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fail(err)
	}
	claimed, _ := url.Parse("spiffe://mesh.example/ns/north/sa/north-0")
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), URIs: []*url.URL{claimed}, KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		fail(err)
	}
	leaf, _ := x509.ParseCertificate(der)
	p.load(&Pair{certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}})
}
