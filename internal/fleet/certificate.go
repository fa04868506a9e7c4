package fleet

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iot"
	"github.com/aws/aws-sdk-go-v2/service/iot/types"

	"porchlight/internal/atomicfile"
	"porchlight/internal/iot/devicekey"
)

// certificate is one that AWS IoT knows.
type certificate struct{ id, arn string }

// ensureCertificate returns the folder's certificate, active. A new one is
// saved before anything is attached to it: one that gets lost may do nothing.
func (o *Operator) ensureCertificate(ctx context.Context, f folder, name string) (c certificate, made bool, err error) {
	key, err := f.loadKey()
	if err != nil {
		return c, false, err
	}
	text, err := f.loadCertificate(key)
	if err != nil {
		return c, false, err
	}
	if text != "" {
		c, err = o.known(ctx, f, text)
		return c, false, err
	}
	request, err := key.Request(name)
	if err != nil {
		return c, false, err
	}
	out, err := o.IoT.CreateCertificateFromCsr(ctx, &iot.CreateCertificateFromCsrInput{
		CertificateSigningRequest: aws.String(request), SetAsActive: true,
	})
	if err != nil {
		return c, false, fmt.Errorf("create certificate: %w", err)
	}
	text = aws.ToString(out.CertificatePem)
	if err := key.Owns(text); err != nil {
		return c, false, fmt.Errorf("create certificate: %w", err)
	}
	if err := atomicfile.Write(f.path(f.certificate), []byte(text), 0o644); err != nil {
		return c, false, err
	}
	return certificate{aws.ToString(out.CertificateId), aws.ToString(out.CertificateArn)}, true, nil
}

// known finds the certificate of an earlier run in the cloud.
func (o *Operator) known(ctx context.Context, f folder, text string) (c certificate, err error) {
	id, err := devicekey.CertificateID(text)
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrFolder, err)
	}
	cure := fmt.Sprintf("remove %s to get a new one", f.path(f.certificate))
	out, err := o.IoT.DescribeCertificate(ctx, &iot.DescribeCertificateInput{CertificateId: aws.String(id)})
	if err != nil {
		return c, fmt.Errorf("certificate %s: %w: is it of this account and region? else %s", id, err, cure)
	}
	d := out.CertificateDescription
	if d.Status != types.CertificateStatusActive {
		return c, fmt.Errorf("%w: certificate %s is %s: %s", ErrFolder, id, d.Status, cure)
	}
	return certificate{id, aws.ToString(d.CertificateArn)}, nil
}

func (o *Operator) attachPolicy(ctx context.Context, c certificate, output string) error {
	policy, err := o.Outputs.Get(output)
	if err != nil {
		return err
	}
	_, err = o.IoT.AttachPolicy(ctx, &iot.AttachPolicyInput{PolicyName: aws.String(policy), Target: aws.String(c.arn)})
	if err != nil {
		return fmt.Errorf("attach policy %s: %w", policy, err)
	}
	o.Step("certificate %s has policy %s", c.id, policy)
	return nil
}
