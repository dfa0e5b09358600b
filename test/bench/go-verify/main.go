// Command bench-verify measures the rate at which Go validates an X.509-SVID, on one core and in CPU time: the presented
// certificates are parsed from DER each time, the bundle once. Arguments: the milliseconds of CPU to spend, then the files
// of one sample: bundle, leaf, issuing authorities (DER). It writes one JSON object: {"standard", "spiffe"}, both a second.
package main

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

// cpu is the CPU time that this process has used, the garbage collector's included.
func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func rate(budget time.Duration, operation func()) float64 {
	for from := cpu(); cpu()-from < budget/4; {
		operation()
	}
	made, from := 0, cpu()
	for cpu()-from < budget {
		for batch := 0; batch < 8; batch++ {
			operation()
		}
		made += 8
	}
	return float64(made) / (cpu() - from).Seconds()
}

func main() {
	runtime.GOMAXPROCS(1)
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: bench-verify MILLISECONDS BUNDLE LEAF ISSUING...")
		os.Exit(2)
	}
	budget := time.Duration(must(strconv.Atoi(os.Args[1]))) * time.Millisecond
	root := must(x509.ParseCertificate(must(os.ReadFile(os.Args[2]))))
	var presented [][]byte
	for _, file := range os.Args[3:] {
		presented = append(presented, must(os.ReadFile(file)))
	}
	parse := func() []*x509.Certificate {
		chain := make([]*x509.Certificate, len(presented))
		for index, der := range presented {
			chain[index] = must(x509.ParseCertificate(der))
		}
		return chain
	}
	at := parse()[0].NotBefore.Add(time.Minute)
	roots := x509.NewCertPool()
	roots.AddCert(root)
	standard := func() {
		chain := parse()
		intermediates := x509.NewCertPool()
		for _, certificate := range chain[1:] {
			intermediates.AddCert(certificate)
		}
		must(chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: intermediates, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}))
	}
	bundle := x509bundle.FromX509Authorities(spiffeid.RequireTrustDomainFromString("bench.example"), []*x509.Certificate{root})
	spiffe := func() {
		if _, _, err := x509svid.Verify(parse(), bundle, x509svid.WithTime(at)); err != nil {
			must(0, err)
		}
	}
	must(0, json.NewEncoder(os.Stdout).Encode(map[string]float64{"standard": rate(budget, standard), "spiffe": rate(budget, spiffe)}))
}
