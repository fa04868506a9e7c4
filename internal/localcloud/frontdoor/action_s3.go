package frontdoor

import (
	"encoding/xml"
	"net/http"
	"strings"

	"porchlight/internal/localcloud/awsapi"
)

func s3Needs(s scope, r *http.Request, body []byte) ([]need, error) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	bucketARN := "arn:" + s.partition + ":s3:::" + bucket
	switch {
	case bucket == "":
		return []need{{"s3:ListAllMyBuckets", "*"}}, nil
	case key == "":
		return bucketNeeds(r, bucketARN, body)
	}
	objectARN := bucketARN + "/" + key
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		if r.URL.Query().Has("versionId") {
			return []need{{"s3:GetObjectVersion", objectARN}}, nil
		}
		return []need{{"s3:GetObject", objectARN}}, nil
	case http.MethodDelete:
		if r.URL.Query().Has("versionId") {
			return []need{{"s3:DeleteObjectVersion", objectARN}}, nil
		}
		return []need{{"s3:DeleteObject", objectARN}}, nil
	case http.MethodPut, http.MethodPost:
		return []need{{"s3:PutObject", objectARN}}, nil
	}
	return nil, errMethod(r)
}

func bucketNeeds(r *http.Request, bucketARN string, body []byte) ([]need, error) {
	q := r.URL.Query()
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		for _, sub := range [][2]string{{"uploads", "ListBucketMultipartUploads"}, {"versioning", "GetBucketVersioning"},
			{"versions", "ListBucketVersions"}, {"location", "GetBucketLocation"}} {
			if q.Has(sub[0]) {
				return []need{{"s3:" + sub[1], bucketARN}}, nil
			}
		}
		return []need{{"s3:ListBucket", bucketARN}}, nil
	case http.MethodPut:
		return []need{{"s3:CreateBucket", bucketARN}}, nil
	case http.MethodDelete:
		return []need{{"s3:DeleteBucket", bucketARN}}, nil
	case http.MethodPost:
		if !q.Has("delete") {
			break
		}
		var list struct {
			Object []struct{ Key string }
		}
		if err := xml.Unmarshal(body, &list); err != nil {
			return nil, &awsapi.Error{Code: "MalformedXML", Status: http.StatusBadRequest, Message: "the list of keys cannot be read"}
		}
		needs := []need{}
		for _, o := range list.Object {
			needs = append(needs, need{"s3:DeleteObject", bucketARN + "/" + o.Key})
		}
		return needs, nil
	}
	return nil, errMethod(r)
}

func errMethod(r *http.Request) *awsapi.Error {
	return &awsapi.Error{Code: "NotImplemented", Status: http.StatusNotImplemented,
		Message: "the local S3 does not offer this form of " + r.Method}
}
