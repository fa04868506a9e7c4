package gallery

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"porchlight/internal/face"
	"porchlight/internal/face/gallery"
)

// prefix of a person's sort key; the name follows.
const prefix = "FACE#"

type item = map[string]types.AttributeValue

// person is one as stored.
type person struct {
	gallery.Person
	model   face.Model
	version int64 // of the item, from 1; 0: there is none
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func num(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func key(owner, name string) item { return item{"pk": str("OWNER#" + owner), "sk": str(prefix + name)} }

func checkOwner(owner string) error {
	const most = 256 // Cognito's are 36
	if owner == "" || len(owner) > most {
		return fmt.Errorf("%w: %d bytes: want the sub of a sign-in, 1 to %d bytes", ErrOwner, len(owner), most)
	}
	return nil
}

// read returns an owner's persons by name.
func (g *Galleries) read(ctx context.Context, owner string) (map[string]person, error) {
	if err := checkOwner(owner); err != nil {
		return nil, err
	}
	persons := map[string]person{}
	in := &dynamodb.QueryInput{
		TableName: g.table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("#pk = :pk AND begins_with(#sk, :face)"),
		ExpressionAttributeNames:  map[string]string{"#pk": "pk", "#sk": "sk"},
		ExpressionAttributeValues: item{":pk": str("OWNER#" + owner), ":face": str(prefix)},
	}
	for {
		out, err := g.api.Query(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("read the owner's faces: %w", err)
		}
		for _, it := range out.Items {
			p, err := decode(it)
			if err != nil {
				return nil, fmt.Errorf("%w: %w: remove it and enroll the person again", ErrItem, err)
			}
			persons[p.Name] = p
		}
		if out.LastEvaluatedKey == nil {
			return persons, nil
		}
		if len(persons) > gallery.MaxPersons {
			return nil, fmt.Errorf("%w: over %d persons", gallery.ErrFull, gallery.MaxPersons)
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// put writes a person over the version that was read, 0 for none.
func (g *Galleries) put(ctx context.Context, owner string, p gallery.Person, over int64) (bool, error) {
	if err := CheckName(p.Name); err != nil {
		return false, err
	}
	m := p.Pictures[0].Model
	if n := len(p.Pictures) * 4 * m.Dimension; n > maxItem {
		return false, fmt.Errorf("%w: %s would take %d bytes, the most is %d: enroll fewer pictures", gallery.ErrFull, p.Name, n, maxItem)
	}
	it := key(owner, p.Name)
	it["version"], it["enrolled_at"] = num(over+1), num(p.Enrolled.Unix())
	it["model"], it["model_sha256"], it["dimension"] = str(m.Name), str(m.SHA256), num(int64(m.Dimension))
	list := &types.AttributeValueMemberL{}
	for _, e := range p.Pictures {
		list.Value = append(list.Value, &types.AttributeValueMemberB{Value: e.Bytes()})
	}
	it["embeddings"] = list
	in := &dynamodb.PutItemInput{TableName: g.table, Item: it, ConditionExpression: aws.String("attribute_not_exists(pk)")}
	if over > 0 {
		in.ConditionExpression = aws.String("#version = :seen")
		in.ExpressionAttributeNames = map[string]string{"#version": "version"}
		in.ExpressionAttributeValues = item{":seen": num(over)}
	}
	_, err := g.api.PutItem(ctx, in)
	if written, err := wrote(err); err == nil {
		return written, nil
	}
	return false, fmt.Errorf("write a face of the owner: %w", err)
}

// Remove forgets one of an owner's persons, or says gallery.ErrUnknown. Errors
// are ErrOwner and those of writing.
func (g *Galleries) Remove(ctx context.Context, owner, name string) error {
	if err := checkOwner(owner); err != nil {
		return err
	}
	if err := gallery.CheckName(name); err != nil {
		return err
	}
	_, err := g.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: g.table, Key: key(owner, name), ConditionExpression: aws.String("attribute_exists(pk)"),
	})
	if removed, err := wrote(err); err != nil {
		return fmt.Errorf("remove a face of the owner: %w", err)
	} else if !removed {
		return fmt.Errorf("%w: %q", gallery.ErrUnknown, name)
	}
	return nil
}

// decode reads a person's item. Its errors do not repeat the name.
func decode(it item) (person, error) {
	text := func(name string) string {
		s, _ := it[name].(*types.AttributeValueMemberS)
		if s == nil {
			return ""
		}
		return s.Value
	}
	number := func(name string) int64 {
		n, _ := it[name].(*types.AttributeValueMemberN)
		if n == nil {
			return 0
		}
		v, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			return 0
		}
		return v
	}
	p := person{
		Person:  gallery.Person{Name: strings.TrimPrefix(text("sk"), prefix), Enrolled: time.Unix(number("enrolled_at"), 0).UTC()},
		model:   face.Model{Name: text("model"), SHA256: text("model_sha256"), Dimension: int(number("dimension"))},
		version: number("version"),
	}
	if err := p.model.Validate(); err != nil {
		return p, err
	}
	list, ok := it["embeddings"].(*types.AttributeValueMemberL)
	if !ok || len(list.Value) < 1 || len(list.Value) > gallery.MaxPictures || p.version < 1 {
		return p, fmt.Errorf("want a version and 1 to %d embeddings", gallery.MaxPictures)
	}
	for _, v := range list.Value {
		raw, ok := v.(*types.AttributeValueMemberB)
		if !ok {
			return p, fmt.Errorf("an embedding is no binary value")
		}
		e, err := face.EmbeddingFrom(p.model, raw.Value)
		if err != nil {
			return p, err
		}
		p.Pictures = append(p.Pictures, e)
	}
	return p, nil
}
