package main

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

type verifyRequest struct {
	// Chain and Key are PEM files; Key may be empty.
	Chain, Key string
	// Roots is a PEM file with the roots of TrustDomain.
	Roots, TrustDomain string
	// At is the time of the judgement in seconds since the epoch; 0 is now.
	At int64
}

func (r verifyRequest) time() time.Time {
	if r.At == 0 {
		return time.Now()
	}
	return time.Unix(r.At, 0)
}

// verify asks both stacks; the keys of the answer are the names of the judges.
func verify(r verifyRequest) map[string]outcome {
	return map[string]outcome{"Go crypto/x509": verifyStandard(r), "go-spiffe": verifySpiffe(r)}
}

func verifyStandard(r verifyRequest) outcome {
	chain, err := readCertificates(r.Chain)
	if err != nil {
		return refused(err)
	}
	roots, err := readCertificates(r.Roots)
	if err != nil {
		return refused(err)
	}
	options := x509.VerifyOptions{Roots: pool(roots), Intermediates: pool(chain[1:]), CurrentTime: r.time()}
	// One usage at a time: a list would ask for any of them.
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		options.KeyUsages = []x509.ExtKeyUsage{usage}
		if _, err := chain[0].Verify(options); err != nil {
			return refused(err)
		}
	}
	return outcome{OK: true}
}

func verifySpiffe(r verifyRequest) outcome {
	trustDomain, err := spiffeid.TrustDomainFromString(r.TrustDomain)
	if err != nil {
		return refused(err)
	}
	bundle, err := x509bundle.Load(trustDomain, r.Roots)
	if err != nil {
		return refused(err)
	}
	chain, err := readCertificates(r.Chain)
	if err != nil {
		return refused(err)
	}
	id, _, err := x509svid.Verify(chain, bundle, x509svid.WithTime(r.time()))
	if err != nil {
		return refused(err)
	}
	if r.Key != "" {
		if _, err := x509svid.Load(r.Chain, r.Key); err != nil {
			return refused(err)
		}
	}
	return outcome{OK: true, SpiffeID: id.String()}
}

type bundleAnswer struct {
	outcome
	Authorities    int    `json:"authorities"`
	SequenceNumber uint64 `json:"sequenceNumber"`
	RefreshHint    int64  `json:"refreshHintSeconds"`
}

func readBundle(trustDomain, file string) bundleAnswer {
	td, err := spiffeid.TrustDomainFromString(trustDomain)
	if err != nil {
		return bundleAnswer{outcome: refused(err)}
	}
	bundle, err := spiffebundle.Load(td, file)
	if err != nil {
		return bundleAnswer{outcome: refused(err)}
	}
	sequence, _ := bundle.SequenceNumber()
	hint, _ := bundle.RefreshHint()
	return bundleAnswer{outcome{OK: true}, len(bundle.X509Authorities()), sequence, int64(hint / time.Second)}
}

func readCertificates(file string) ([]*x509.Certificate, error) {
	rest, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var der []byte
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == "CERTIFICATE" {
			der = append(der, block.Bytes...)
		}
	}
	certificates, err := x509.ParseCertificates(der)
	if err == nil && len(certificates) == 0 {
		err = os.ErrNotExist
	}
	return certificates, err
}

func pool(certificates []*x509.Certificate) *x509.CertPool {
	result := x509.NewCertPool()
	for _, certificate := range certificates {
		result.AddCert(certificate)
	}
	return result
}
