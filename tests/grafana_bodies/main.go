// Reads a JSON list of {"kind", "name", "body"} and tells, one a line, what Grafana's own client has against each body:
// fields that it does not know, and values that its rules refuse.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/go-openapi/strfmt"
	"github.com/grafana/grafana-openapi-client-go/models"
)

type validated interface {
	Validate(strfmt.Registry) error
}

var kinds = map[string]func() validated{
	"folder":          func() validated { return new(models.CreateFolderCommand) },
	"new data source": func() validated { return new(models.AddDataSourceCommand) },
	"data source":     func() validated { return new(models.UpdateDataSourceCommand) },
	"dashboard":       func() validated { return new(models.SaveDashboardCommand) },
	"template":        func() validated { return new(models.NotificationTemplateContent) },
	"contact point":   func() validated { return new(models.EmbeddedContactPoint) },
	"policies":        func() validated { return new(models.Route) },
	"alert rule":      func() validated { return new(models.ProvisionedAlertRule) },
	"group of rules":  func() validated { return new(models.AlertRuleGroup) },
}

type sent struct {
	Kind string          `json:"kind"`
	Name string          `json:"name"`
	Body json.RawMessage `json:"body"`
}

func judge(one sent) error {
	empty, known := kinds[one.Kind]
	if !known {
		return fmt.Errorf("no kind %q", one.Kind)
	}
	body := empty()
	decoder := json.NewDecoder(bytes.NewReader(one.Body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(body); err != nil {
		return err
	}
	return body.Validate(strfmt.Default)
}

func main() {
	var all []sent
	if err := json.NewDecoder(os.Stdin).Decode(&all); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for _, one := range all {
		if err := judge(one); err != nil {
			fmt.Printf("%s: %s\n", one.Name, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
}
