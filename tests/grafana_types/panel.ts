// A panel of a dashboard file as Grafana's own types have it, for literals: `const p: PanelOf<"stat"> = {...}`.

import type { DataSourceRef, FieldConfig, MatcherConfig, Panel, TableAutoCellOptions } from "@grafana/schema";
import type * as bargauge from "@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen";
import type * as geomap from "@grafana/schema/dist/esm/raw/composable/geomap/panelcfg/x/GeomapPanelCfg_types.gen";
import type * as nodegraph from "@grafana/schema/dist/esm/raw/composable/nodegraph/panelcfg/x/NodeGraphPanelCfg_types.gen";
import type * as piechart from "@grafana/schema/dist/esm/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as timeline from "@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen";
import type * as table from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as text from "@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen";
import type * as timeseries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

/** A kind of panel: its options, and what it adds to the configuration of a field. */
type Kind<Options, Custom = {}> = { options: Options; custom: Custom };

/** What a field may be called, by newer and older names. */
type Older<New, Old> = { [Key in keyof New | keyof Old]?: (Key extends keyof New ? New[Key] : never) | (Key extends keyof Old ? Old[Key] : never) };

/** Names that tables had until Grafana 12; newer ones rename them when they read a dashboard. */
interface OlderTable {
  hidden: boolean;
  cellOptions: TableAutoCellOptions & { wrapText?: boolean };
}

/** Every kind of panel that our dashboards may have. */
interface Kinds {
  bargauge: Kind<bargauge.Options>;
  geomap: Kind<geomap.Options>;
  nodeGraph: Kind<nodegraph.Options>;
  piechart: Kind<piechart.Options, piechart.FieldConfig>;
  stat: Kind<stat.Options>;
  "state-timeline": Kind<timeline.Options, timeline.FieldConfig>;
  table: Kind<table.Options, Older<table.FieldConfig, OlderTable>>;
  text: Kind<text.Options>;
  timeseries: Kind<timeseries.Options, timeseries.FieldConfig>;
}

/** As JSON has it: a member of a string enum is its text. */
type Plain<T> = unknown extends T
  ? T
  : T extends string
    ? `${T}`
    : T extends object
      ? { [Key in keyof T]: Plain<T[Key]> }
      : T;

/** Where a cell leads; Grafana's package leaves links untyped. */
interface Link {
  title: string;
  url: string;
  targetBlank?: boolean;
}

/** What may be said of a field of any panel. */
type Field = Omit<FieldConfig, "custom" | "links"> & { links?: Link[] };

/** One property of an override; Grafana's package leaves both name and value open. */
type Property<Custom> =
  | { [Key in keyof Field]-?: { id: Key; value: NonNullable<Field[Key]> } }[keyof Field]
  | { [Key in keyof Custom & string]-?: { id: `custom.${Key}`; value: NonNullable<Custom[Key]> } }[keyof Custom & string];

/** Grafana's own type takes any further name within `custom`; this one takes none. */
interface Fields<Custom> {
  defaults: Field & { custom?: Partial<Custom> };
  overrides: Array<{ matcher: MatcherConfig<string>; properties: Property<Custom>[] }>;
}

/** What is absent Grafana fills in from the defaults of the kind. */
export type PanelOf<Name extends keyof Kinds> = Plain<
  Omit<Panel, "type" | "options" | "fieldConfig" | "datasource" | "targets"> & {
    type: Name;
    datasource?: DataSourceRef;
    options: Partial<Kinds[Name]["options"]>;
    fieldConfig?: Fields<Kinds[Name]["custom"]>;
  }
> & { targets?: unknown[] };
