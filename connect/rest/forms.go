package rest

import (
	"encoding/json"
	"slices"
)

// The forms of Kafka Connect's REST API
// (kafka: connect/runtime/src/main/java/org/apache/kafka/connect/runtime/rest/entities).

// ErrorMessage is Connect's answer to what cannot be answered.
type ErrorMessage struct {
	ErrorCode int    `json:"error_code"`
	Message   string `json:"message"`
}

// ConnectorInfo is GET /connectors/{name}.
type ConnectorInfo struct {
	Name   string            `json:"name"`
	Config map[string]string `json:"config"`
	Tasks  []TaskID          `json:"tasks"`
	Type   string            `json:"type"`
}

// TaskID names a task.
type TaskID struct {
	Connector string `json:"connector"`
	Task      int    `json:"task"`
}

// TaskInfo is one of GET /connectors/{name}/tasks.
type TaskInfo struct {
	ID     TaskID            `json:"id"`
	Config map[string]string `json:"config"`
}

// ConnectorStatus is GET /connectors/{name}/status.
type ConnectorStatus struct {
	Name      string       `json:"name"`
	Connector WorkerState  `json:"connector"`
	Tasks     []TaskStatus `json:"tasks"`
	Type      string       `json:"type"`
	Rdip      *Details     `json:"rdip,omitempty"`
}

// WorkerState is where and how a connector runs.
type WorkerState struct {
	State    State  `json:"state"`
	WorkerID string `json:"worker_id"`
	Trace    string `json:"trace,omitempty"`
}

// TaskStatus is GET /connectors/{name}/tasks/{id}/status.
type TaskStatus struct {
	ID int `json:"id"`
	WorkerState
}

// ConnectorTopics is the value of the one key, the connector's name, of GET /connectors/{name}/topics.
type ConnectorTopics struct {
	Topics []string `json:"topics"`
}

// ConnectorOffsets is GET /connectors/{name}/offsets.
type ConnectorOffsets struct {
	Offsets []ConnectorOffset `json:"offsets"`
}

// ConnectorOffset is the position of one partition of the source; a database has one.
type ConnectorOffset struct {
	Partition map[string]string `json:"partition"`
	Offset    json.RawMessage   `json:"offset"`
}

// Expanded is one connector of GET /connectors?expand=info&expand=status.
type Expanded struct {
	Info   *ConnectorInfo   `json:"info,omitempty"`
	Status *ConnectorStatus `json:"status,omitempty"`
}

func (c *Connector) info() *ConnectorInfo {
	ids := make([]TaskID, len(c.Tasks))
	for i, t := range c.Tasks {
		ids[i] = TaskID{Connector: c.Name, Task: t.ID}
	}
	return &ConnectorInfo{Name: c.Name, Config: redacted(c.Config), Tasks: ids, Type: c.Type}
}

func (c *Connector) status(worker string) *ConnectorStatus {
	tasks := make([]TaskStatus, len(c.Tasks))
	for i, t := range c.Tasks {
		tasks[i] = t.status(worker)
	}
	return &ConnectorStatus{
		Name: c.Name, Type: c.Type, Tasks: tasks, Rdip: c.details(),
		Connector: WorkerState{State: c.State, WorkerID: worker, Trace: c.Trace},
	}
}

func (t *Task) status(worker string) TaskStatus {
	return TaskStatus{ID: t.ID, WorkerState: WorkerState{State: t.State, WorkerID: worker, Trace: t.Trace}}
}

func (c *Connector) tasks() []TaskInfo {
	infos := make([]TaskInfo, len(c.Tasks))
	for i, t := range c.Tasks {
		infos[i] = TaskInfo{ID: TaskID{Connector: c.Name, Task: t.ID}, Config: redacted(c.Config)}
	}
	return infos
}

func (c *Connector) topics() map[string]ConnectorTopics {
	topics := slices.Clone(c.Topics)
	slices.Sort(topics)
	return map[string]ConnectorTopics{c.Name: {Topics: orEmpty(topics)}}
}

func (c *Connector) offsets() ConnectorOffsets {
	if c.Position == "" {
		return ConnectorOffsets{Offsets: []ConnectorOffset{}}
	}
	return ConnectorOffsets{Offsets: []ConnectorOffset{{
		Partition: map[string]string{"server": c.Server},
		Offset:    object(c.Position),
	}}}
}

// object is the text itself where it is a JSON object, as Connect wants an offset to be.
func object(text string) json.RawMessage {
	if text != "" && text[0] == '{' && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	b, err := json.Marshal(map[string]string{"position": text})
	if err != nil { // a map of strings always can be
		return json.RawMessage("{}")
	}
	return b
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
