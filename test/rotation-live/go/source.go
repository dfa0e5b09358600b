package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// sourceSettings says where identities come from: a folder, or the Secrets of a namespace.
type sourceSettings struct {
	Folder string
	// Names of the folders below Folder, or of the workloads whose Secrets (NAME-mtls) are watched.
	Names []string

	Server, CAFile, Token, Namespace string
}

// source tells each version of each identity once.
type source interface {
	changes() ([]version, error)
}

func openSource(s sourceSettings) (source, error) {
	if s.Folder != "" {
		return &folderSource{settings: s, known: map[string]string{}}, nil
	}
	return openSecrets(s)
}

// The files that are delivered; a mount has others too, which nobody here reads.
var deliveredFiles = []string{"credential-bundle.pem", "ca.crt", "tls.crt", "tls.key"}

// folderSource looks at the links ..data below a folder.
type folderSource struct {
	settings sourceSettings
	known    map[string]string
}

func (f *folderSource) changes() ([]version, error) {
	var changed []version
	for _, name := range f.settings.Names {
		folder := filepath.Join(f.settings.Folder, name)
		generation, err := os.Readlink(filepath.Join(folder, "..data"))
		if errors.Is(err, fs.ErrNotExist) || generation == f.known[name] {
			continue
		}
		if err != nil {
			return nil, err
		}
		next, err := readVersion(name, folder, generation)
		if errors.Is(err, fs.ErrNotExist) {
			continue // replaced meanwhile: the next look finds the newer one
		}
		if err != nil {
			return nil, err
		}
		f.known[name] = generation
		changed = append(changed, next)
	}
	return changed, nil
}

func readVersion(name, folder, generation string) (version, error) {
	result := version{name: name, files: map[string][]byte{}, at: time.Now()}
	if link, err := os.Lstat(filepath.Join(folder, "..data")); err == nil {
		result.at = link.ModTime()
	}
	for _, file := range deliveredFiles {
		content, err := os.ReadFile(filepath.Join(folder, generation, file))
		if err != nil {
			return version{}, err
		}
		result.files[file] = content
	}
	return result, nil
}
