package main

import (
	"fmt"
	"reflect"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// newValue is a place for a column's value, whatever its type.
func newValue(column driver.ColumnType) any {
	kind := column.ScanType()
	if kind == nil {
		return new(any)
	}
	return reflect.New(kind).Interface()
}

// asText is a scanned value as text.
func asText(v any) string {
	value := reflect.ValueOf(v)
	for value.Kind() == reflect.Pointer && !value.IsNil() {
		value = value.Elem()
	}
	if !value.IsValid() || !value.CanInterface() {
		return ""
	}
	return fmt.Sprint(value.Interface())
}
