package publish

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"porchlight/internal/publish/recipe"
	"porchlight/recipes"
)

// Errors about the camera's program.
var (
	ErrCrossBuild = errors.New("cannot build for another architecture")
	ErrBinary     = errors.New("unusable camera program")
)

// CameraSource says where the camera's program comes from.
type CameraSource struct {
	Recipe []byte   // a template like recipes.Camera, which is taken when it is empty
	Arch   []string // amd64, arm64
	// Binaries is a folder with linux-ARCH/camera, and the libraries it needs
	// in linux-ARCH/lib where the devices lack them; for one architecture also
	// camera and lib themselves. Empty: it is built here.
	Binaries string
	// Build builds the program for this machine into the named file.
	Build func(ctx context.Context, into string) error
}

// Camera prepares the camera component. Artifacts are written into work.
func Camera(ctx context.Context, work string, nucleus recipe.Nucleus, source CameraSource) (*Component, error) {
	if len(source.Recipe) == 0 {
		source.Recipe = recipes.Camera()
	}
	template, err := recipe.Parse(source.Recipe)
	if err != nil {
		return nil, fmt.Errorf("recipe of the camera: %w", err)
	}
	if nucleus == recipe.Java {
		over, err := recipe.Parse(recipes.CameraJava())
		if err != nil {
			return nil, fmt.Errorf("overlay of the camera's recipe: %w", err)
		}
		if err := template.Merge(over); err != nil {
			return nil, fmt.Errorf("overlay of the camera's recipe: %w", err)
		}
	}
	template.Keep(source.Arch)
	var artifacts []Artifact
	for _, arch := range source.Arch {
		folder, err := source.folder(ctx, work, arch)
		if err != nil {
			return nil, err
		}
		if err := checkProgram(filepath.Join(folder, "camera"), arch); err != nil {
			return nil, err
		}
		entries, err := filesBelow(filepath.Join(folder, "lib"), "lib")
		if err != nil {
			return nil, err
		}
		entries = append(entries, zipEntry{name: "camera", from: filepath.Join(folder, "camera")})
		artifact, err := writeZip(ctx, filepath.Join(work, "camera-linux-"+arch+".zip"), entries)
		if err != nil {
			return nil, err
		}
		artifacts = append(artifacts, artifact)
	}
	return &Component{template: template, nucleus: nucleus, Artifacts: artifacts}, nil
}

// folder is where the program of an architecture lies, built if need be.
func (s CameraSource) folder(ctx context.Context, work, arch string) (string, error) {
	if s.Binaries != "" {
		folder := filepath.Join(s.Binaries, "linux-"+arch)
		_, err := os.Stat(folder)
		if errors.Is(err, fs.ErrNotExist) && len(s.Arch) == 1 {
			return s.Binaries, nil
		}
		return folder, nil // what is wrong with it is told when it is read
	}
	if arch != runtime.GOARCH || runtime.GOOS != "linux" {
		return "", fmt.Errorf("%w: the camera links OpenCV, so on linux/%s it is built by a machine or container of that kind: "+
			"run \"go build -trimpath -o linux-%[2]s/camera ./components/camera\" there and name the folder above with --binary", ErrCrossBuild, arch)
	}
	folder := filepath.Join(work, "linux-"+arch)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	return folder, s.Build(ctx, filepath.Join(folder, "camera"))
}

// checkProgram makes sure that a program runs on Linux of an architecture.
func checkProgram(path, arch string) error {
	program, err := elf.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w: put the program for linux/%s there", ErrBinary, err, arch)
	}
	if err != nil {
		return fmt.Errorf("%w: %s: %w: it is no Linux program", ErrBinary, path, err)
	}
	defer func() { _ = program.Close() }() // only read
	want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]
	if program.Machine != want {
		return fmt.Errorf("%w: %s is for %v: for linux/%s it must be for %v", ErrBinary, path, program.Machine, arch, want)
	}
	if program.Type != elf.ET_EXEC && program.Type != elf.ET_DYN {
		return fmt.Errorf("%w: %s is a file of type %v: build the command ./components/camera", ErrBinary, path, program.Type)
	}
	return nil
}
