package main

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/spiffe/go-spiffe/v2/bundle/spiffebundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/jwtsvid"
)

type tokenRequest struct {
	Token, Audience string
	// Issuer is what keys are discovered below, over TLS that the roots of the PEM file CA verify.
	Issuer, CA string
	// Bundle is the SPIFFE bundle document of TrustDomain.
	TrustDomain, Bundle string
}

// tokens verifies JWT-SVIDs as a service does that runs on: discovered once, keys fetched again when it meets a new one.
type tokens struct{ verifiers map[string]*oidc.Provider }

// verify asks both stacks; the keys of the answer are the names of the judges.
func (t *tokens) verify(r tokenRequest) map[string]outcome {
	return map[string]outcome{"go-oidc": t.verifyDiscovered(r), "go-spiffe": verifyToken(r)}
}

func (t *tokens) verifyDiscovered(r tokenRequest) outcome {
	roots, err := readCertificates(r.CA)
	if err != nil {
		return refused(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool(roots)}}}
	ctx := oidc.ClientContext(context.Background(), client)
	provider, known := t.verifiers[r.Issuer]
	if !known {
		if provider, err = oidc.NewProvider(ctx, r.Issuer); err != nil {
			return refused(err)
		}
		t.verifiers[r.Issuer] = provider
	}
	token, err := provider.VerifierContext(ctx, &oidc.Config{ClientID: r.Audience}).Verify(ctx, r.Token)
	if err != nil {
		return refused(err)
	}
	return outcome{OK: true, SpiffeID: token.Subject}
}

func verifyToken(r tokenRequest) outcome {
	trustDomain, err := spiffeid.TrustDomainFromString(r.TrustDomain)
	if err != nil {
		return refused(err)
	}
	bundle, err := spiffebundle.Read(trustDomain, strings.NewReader(r.Bundle))
	if err != nil {
		return refused(err)
	}
	svid, err := jwtsvid.ParseAndValidate(r.Token, bundle, []string{r.Audience})
	if err != nil {
		return refused(err)
	}
	return outcome{OK: true, SpiffeID: svid.ID.String()}
}
