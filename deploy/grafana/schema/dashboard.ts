// The dashboards of this shop in Grafana's own types: a union of the panels that they use, each with the options and field
// options of its own plugin, which `Dashboard` leaves open.
import type { Dashboard, DataSourceRef, FieldConfig, FieldConfigSource, GraphFieldConfig, Panel, RowPanel, TableFieldOptions } from '@grafana/schema';
import type { Options as BarGauge } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type { FieldConfig as PieChartField, Options as PieChart } from '@grafana/schema/dist/esm/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen';
import type { Options as Stat } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { FieldConfig as StateTimelineField, Options as StateTimeline } from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type { Options as Table } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { Options as TimeSeries } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// JSON has an enum's values, not its members.
type Json<T> = T extends string
  ? `${T}`
  : T extends number
    ? T | (`${T}` extends `${infer Value extends number}` ? Value : never)
    : T extends object
      ? { [Key in keyof T]: Json<T[Key]> }
      : T;

// Every panel names its data source by type and uid; Grafana takes the default one otherwise, which may be another's.
type Source = Required<Pick<DataSourceRef, 'type' | 'uid'>>;

// The type of a query to Prometheus is not in @grafana/schema since 11.1. These are the fields that the plug-in reads
// (`PromQuery`), as far as provisioned dashboards may set them.
interface PrometheusQuery {
  refId: string;
  expr: string;
  legendFormat?: string;
  instant?: boolean;
  range?: boolean;
  exemplar?: boolean;
  interval?: string;
  intervalFactor?: number;
  format?: 'time_series' | 'table' | 'heatmap';
  hide?: boolean;
  datasource?: Source;
}

type Loose<T> = { [Key in keyof T]?: T[Key] };

type Of<Type extends string, Options, Field> = Json<
  Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets' | 'datasource' | 'title' | 'description' | 'gridPos' | 'id'> &
    Required<Pick<Panel, 'title' | 'description' | 'gridPos' | 'id'>>
> & {
  type: Type;
  datasource: Source;
  targets: PrometheusQuery[];
  // Grafana completes what is left out with the plug-in's defaults.
  options: Json<Loose<Options>>;
  fieldConfig: Json<Omit<FieldConfigSource, 'defaults'>> & { defaults: Json<Omit<FieldConfig, 'custom'>> & { custom?: Json<Field> } };
};

type AnyPanel =
  | Json<RowPanel>
  | Of<'bargauge', BarGauge, never>
  | Of<'piechart', PieChart, PieChartField>
  | Of<'stat', Stat, never>
  | Of<'state-timeline', StateTimeline, StateTimelineField>
  | Of<'table', Table, TableFieldOptions>
  | Of<'timeseries', TimeSeries, GraphFieldConfig>;

export type ShopDashboard = Json<Omit<Dashboard, 'panels'>> & { panels: AnyPanel[] };
