package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Pair is one generation of the files, all of it from one folder.
type Pair struct {
	generation  string
	certificate tls.Certificate
	roots       *x509.CertPool
}

func (p *Pair) chain() []*x509.Certificate {
	var chain []*x509.Certificate
	for _, der := range p.certificate.Certificate {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			panic(err)
		}
		chain = append(chain, certificate)
	}
	return chain
}

// read resolves ..data once and reads everything from there: kubelet may rename the link at any moment.
func read(folder string) (*Pair, error) {
	generation, err := filepath.EvalSymlinks(filepath.Join(folder, "..data"))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, name := range []string{"tls.crt", "tls.key", "ca.crt", "credential-bundle.pem"} {
		if files[name], err = os.ReadFile(filepath.Join(generation, name)); err != nil {
			return nil, err
		}
	}
	certificate, err := tls.X509KeyPair(files["tls.crt"], files["tls.key"])
	if err != nil {
		return nil, fmt.Errorf("tls.crt and tls.key: %w", err)
	}
	bundled, err := tls.X509KeyPair(files["credential-bundle.pem"], files["credential-bundle.pem"])
	if err != nil {
		return nil, fmt.Errorf("credential-bundle.pem: %w", err)
	}
	if !bytes.Equal(bundled.Certificate[0], certificate.Certificate[0]) {
		return nil, errors.New("credential-bundle.pem and tls.crt of one folder are of two generations")
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(files["ca.crt"]) {
		return nil, errors.New("ca.crt holds no certificate")
	}
	return &Pair{generation: generation, certificate: certificate, roots: roots}, nil
}

// readBundle reads the one file by its own path, as an application that wants no symlinks does.
func readBundle(folder string) error {
	content, err := os.ReadFile(filepath.Join(folder, "credential-bundle.pem"))
	if err != nil {
		return err
	}
	if block, _ := pem.Decode(content); block == nil || block.Type != "PRIVATE KEY" {
		return errors.New("credential-bundle.pem does not begin with a key")
	}
	_, err = tls.X509KeyPair(content, content)
	return err
}

// watch loads the pair and goes on reading: each generation is loaded once, and every reading is a sound one or is counted.
func (p *Peer) watch() {
	pair, err := read(p.folder)
	if err != nil {
		fail(err)
	}
	p.load(pair)
	go func() {
		for {
			time.Sleep(100 * time.Millisecond)
			pair, err := read(p.folder)
			if errors.Is(err, os.ErrNotExist) {
				// kubelet removes the folder of the generation before right after its rename: read again, as a client would.
				pair, err = read(p.folder)
			}
			bundleErr := readBundle(p.folder)
			p.mutex.Lock()
			p.stats.Readings++
			for _, problem := range []error{err, bundleErr} {
				if problem != nil {
					p.stats.Torn = append(p.stats.Torn, problem.Error())
				}
			}
			changed := err == nil && pair.generation != p.pair.generation
			p.mutex.Unlock()
			if changed {
				p.load(pair)
			}
		}
	}()
}

func (p *Peer) load(pair *Pair) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.pair = pair
	leaf := pair.certificate.Leaf
	serial := fmt.Sprintf("%032x", leaf.SerialNumber)
	if known := p.stats.Serials; len(known) == 0 || known[len(known)-1] != serial {
		p.stats.Serials = append(known, serial)
	}
	p.stats.SpiffeID = spiffeIDOf(leaf)
	p.stats.NotAfter = leaf.NotAfter.UTC().Format(time.RFC3339)
}
