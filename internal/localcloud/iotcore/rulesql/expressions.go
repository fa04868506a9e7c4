package rulesql

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

func (p *parser) or() (expression, error)  { return p.chain("OR", p.and) }
func (p *parser) and() (expression, error) { return p.chain("AND", p.not) }

// chain reads operands joined by one logical operator.
func (p *parser) chain(operator string, operand func() (expression, error)) (expression, error) {
	left, err := operand()
	for err == nil && p.peek().is(operator) {
		p.next()
		var right expression
		right, err = operand()
		left = logical{or: operator == "OR", left: left, right: right}
	}
	return left, err
}

func (p *parser) not() (expression, error) {
	if !p.peek().is("NOT") {
		return p.comparison()
	}
	at := p.next()
	if p.depth++; p.depth > maxDepth {
		return nil, at.fail("nested too deeply")
	}
	defer func() { p.depth-- }()
	of, err := p.not()
	return negation{of}, err
}

func (p *parser) comparison() (expression, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	op := p.peek()
	if op.kind != symbol || !slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, op.value) {
		return left, nil
	}
	p.next()
	right, err := p.operand()
	return comparison{op.value, left, right}, err
}

func (p *parser) operand() (expression, error) {
	t := p.next()
	switch {
	case t.symbol("("):
		if p.depth++; p.depth > maxDepth {
			return nil, t.fail("nested too deeply")
		}
		defer func() { p.depth-- }()
		inner, err := p.or()
		if err != nil {
			return nil, err
		}
		if c := p.next(); !c.symbol(")") {
			return nil, c.fail("want )")
		}
		return inner, nil
	case t.kind == text:
		return literal{t.value}, nil
	case t.kind == number:
		return numberLiteral(t, "")
	case t.symbol("-") && p.peek().kind == number:
		return numberLiteral(p.next(), "-")
	case t.is("TRUE"), t.is("FALSE"):
		return literal{t.is("TRUE")}, nil
	case t.kind != word || reserved(t.value):
		return nil, t.fail("want a field, a function or a literal")
	case p.peek().symbol("("):
		return p.call(t)
	}
	names := path{t.value}
	for p.peek().symbol(".") {
		p.next()
		name := p.next()
		if name.kind != word {
			return nil, name.fail("want a field name")
		}
		names = append(names, name.value)
	}
	return names, nil
}

func numberLiteral(t token, sign string) (expression, error) {
	n := json.Number(sign + t.value)
	if !json.Valid([]byte(n)) {
		return nil, t.fail("not a number")
	}
	return literal{n}, nil
}

func (p *parser) call(name token) (expression, error) {
	p.next() // "("
	var argument *int
	if t := p.peek(); t.kind == number {
		n, err := strconv.Atoi(p.next().value)
		if err != nil || n < 1 {
			return nil, t.fail("want a whole number from 1")
		}
		argument = &n
	}
	if t := p.next(); !t.symbol(")") {
		return nil, t.fail("this argument of %s() is not supported", name.value)
	}
	switch lower := strings.ToLower(name.value); {
	case lower == "topic" && argument != nil:
		return topicLevel(*argument), nil
	case argument != nil:
		return nil, name.fail("takes no argument")
	case lower == "topic":
		return wholeTopic{}, nil
	case lower == "timestamp":
		return timestamp{}, nil
	case lower == "clientid":
		return clientID{}, nil
	}
	return nil, name.fail("function not supported")
}

// reserved words cannot be field names; some belong to constructs of the
// language that are not supported, which is better said than misread.
func reserved(s string) bool {
	return slices.Contains([]string{"select", "from", "where", "as", "and", "or", "not", "in", "exists", "case", "when", "then",
		"else", "end", "value", "like", "group", "order", "by", "null", "true", "false", "set", "let"}, strings.ToLower(s))
}
