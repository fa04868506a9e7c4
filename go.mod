module porchlight

go 1.26

require (
	github.com/alecthomas/kong v1.12.1 // indirect
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/oklog/ulid/v2 v2.1.2 // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	github.com/stretchr/testify v1.11.1 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	gocv.io/x/gocv v0.31.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
)
