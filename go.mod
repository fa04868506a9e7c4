module porchlight

go 1.26

require (
	github.com/alecthomas/kong v1.12.1 // indirect
	github.com/oklog/ulid/v2 v2.1.2 // indirect
	github.com/stretchr/testify v1.11.1 // indirect
	gocv.io/x/gocv v0.31.0 // indirect
)
